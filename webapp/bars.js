// A node's history as bars on a timeline: its waits, and each attempt over them.

/** @typedef {{from: number, to: number, state: string, what: string}} Bar  instants in ms; state "waits" for waiting */

/**
 * The bars of a node, one for each attempt.
 * @param {import("./types/api").RunNode} node
 * @param {number} moment  end of the bars that are not over
 * @param {boolean} many  whether the node entered more than once
 * @returns {Bar[]}
 */
export function barsOf(node, moment, many = (node.visit ?? 1) > 1) {
  const visit = many ? `visit ${node.visit} ` : "";
  /** @param {string | null | undefined} instant */
  const at = (instant) => (instant ? Date.parse(instant) : moment);
  /** @type {Bar[]} */
  const attempts = (node.attempts ?? [])
    .filter((one) => one.started_at)
    .map((one) => ({
      from: at(one.started_at),
      to: at(one.ended_at),
      state: one.result ?? "good",
      what: `${visit}attempt ${one.attempt}`,
    }));
  const over = node.attempts?.some((one) => one.attempt === node.attempt);
  if (node.started_at && !over)
    attempts.push({
      from: at(node.started_at),
      to: at(node.ended_at),
      state: node.state === "retrying" ? "running" : node.state,
      what: `${visit}attempt ${node.attempt}`,
    });
  if (node.asked_at)
    attempts.push({
      from: at(node.asked_at),
      to: at(node.ended_at),
      state: node.ended_at ? node.state : "asking",
      what: `${visit}asked`,
    });
  /** @type {Bar[]} */
  const waits = [];
  let from = at(node.entered_at);
  const first = node.attempts?.[0];
  if (first && first.attempt > 1) {
    // Of many attempts only the newest are listed.
    const to = at(first.started_at ?? first.ended_at);
    waits.push({ from, to, state: "waits", what: `${visit}attempts 1 to ${first.attempt - 1}` });
    from = to;
  }
  for (const one of attempts) {
    if (one.from > from) waits.push({ from, to: one.from, state: "waits", what: "waited" });
    from = one.to;
  }
  const end = at(node.ended_at);
  if (end > from) waits.push({ from, to: end, state: "waits", what: "waited" });
  const earlier = (node.visits ?? []).flatMap((one) => barsOf({ ...node, ...one, visits: [] }, moment, many));
  return [...earlier, ...waits, ...attempts];
}

/**
 * The place of a bar: the position of an instant between two others, for CSS.
 * @param {number} instant
 * @param {number} start
 * @param {number} end
 */
export const placeOf = (instant, start, end) =>
  `${(100 * Math.min(1, Math.max(0, (instant - start) / Math.max(1, end - start)))).toFixed(3)}%`;

/**
 * When the first bar of a node's visit begins: its first attempt; empty before.
 * @param {import("./types/api").RunNode} node
 */
export function firstStart(node) {
  const isCut = (node.attempts?.[0]?.attempt ?? 1) > 1; // the first attempts are not listed
  return (isCut && node.entered_at) || (node.attempts?.find((one) => one.started_at)?.started_at ?? node.started_at);
}
