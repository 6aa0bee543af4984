// The visits of a node that entered more than once: the shown one, and links to the others.
import { html } from "../html.js";
import { here, route } from "../route.js";

/** @typedef {import("../types/api").RunNode} RunNode */
/** @typedef {import("../types/api").GraphNode} GraphNode */

/** The latest visit that began: at the arrival after its last visit the head of a loop fails without a beginning.
 * @param {RunNode} node */
function latestOf({ visit = 1, state, started_at }) {
  return visit > 1 && state === "error" && !started_at ? visit - 1 : visit;
}

/** The visit in the URL, or the latest. @param {RunNode} node */
export const visitShown = (node) => Number(route.value.query.get("visit")) || latestOf(node);

/** One visit of a node, or its latest. @param {RunNode} node @param {number} visit */
export const visitOf = (node, visit) => node.visits?.find((one) => one.visit === visit) ?? node;

/** How often a node has entered: `visit 2 of 3`; empty for the first visit.
 * @param {RunNode} node @param {GraphNode} [of]  the node of the flow */
export function visitText(node, of) {
  const visit = latestOf(node);
  if (visit < 2) return "";
  return of?.loop_max ? `visit ${visit} of ${of.loop_max}` : `visit ${visit}`;
}

/**
 * Which attempt of a visit a node is at: `attempt 2`, of a repeated one `attempt 1 of 30`.
 * @param {RunNode} node @param {GraphNode} [of]  the node of the flow
 */
export function attemptText({ attempt = 1, started_at }, of) {
  if (of?.repeat) return started_at ? `attempt ${attempt} of ${of.repeat.max}` : "";
  return attempt > 1 ? `attempt ${attempt}` : "";
}

/**
 * How many visits a node of a flow may have: `for each item`, `at most 3 visits`; empty for once.
 * @param {GraphNode} of
 */
export function timesText({ foreach, loop_max, repeat }) {
  if (foreach) return "for each item";
  if (loop_max) return `at most ${loop_max} visits`;
  return repeat ? `at most ${repeat.max} attempts` : "";
}

/** @param {{node: RunNode, visit: number}} props  visit: the shown one */
export function Visits({ node, visit }) {
  const latest = latestOf(node);
  if (latest < 2) return null;
  return html`<span class="attempts" role="group" aria-label="Visits">${Array.from(
    { length: latest },
    (_, at) => at + 1,
  ).map(
    (one) => html`
      <a key=${one} data-replace href=${here({ visit: String(one), attempt: "", line: "" })}
        aria-current=${one === visit ? "true" : undefined}>visit ${one}</a>`,
  )}
  </span>`;
}
