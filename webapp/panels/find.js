// Search in an output: the host searches all of it and returns line numbers; this panel steps
// through them and shows how far the search is.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { go, here } from "../route.js";
import { asProblem } from "../state.js";
import { plain, plural } from "../text.js";

const WAIT_MS = 200;
const FOUND_MAX = 1000;

/** @typedef {{found: number[], looked: number, over: boolean, error: string}} Search */

/**
 * @param {{output: import("../output.js").Output, needle: string, setNeedle: (text: string) => void, line: number}}
 *   props  line: the marked line, or 0
 */
export function Find({ output, needle, setNeedle, line }) {
  const [search, setSearch] = useState(/** @type {Search | null} */ (null));
  const pending = useRef(0); // the step to take once a match is found: 1 forward, -1 back
  useEffect(() => {
    setSearch(null);
    if (!needle) return;
    const abort = new AbortController();
    const timer = setTimeout(() => void look(output, needle, abort.signal, setSearch), WAIT_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [output, needle]);
  const found = search?.found ?? [];
  /** @param {number} by */
  const step = (by) => {
    const next =
      by > 0
        ? (found.find((number) => number > line) ?? found[0])
        : (found.findLast((number) => number < line) ?? found.at(-1));
    if (next) go(here({ line: String(next) }), { replace: true });
    else pending.current = by;
  };
  useEffect(() => {
    if (!pending.current || !found.length) return;
    step(pending.current);
    pending.current = 0;
  }, [found.length]);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") setNeedle("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<span class="find" role="search" aria-label="Output">
    <input type="search" data-search placeholder="Search output" aria-label="Search output" value=${needle}
      onKeyDown=${onKeyDown}
      onInput=${(/** @type {any} */ event) => setNeedle(event.currentTarget.value)} />
    ${
      needle &&
      html`<button class="quiet" data-key="N" aria-label="Previous match" onClick=${() => step(-1)}>↑</button>
        <button class="quiet" data-key="n" aria-label="Next match" onClick=${() => step(1)}>↓</button>`
    }
    <span class="faint find-said" role="status">${
      needle && (search ? said(search, found.indexOf(line)) : "searching…")
    }</span>
  </span>`;
}

/** @param {Search} search @param {number} at */
function said({ found, looked, over, error }, at) {
  if (error) return plain(error);
  const lines = plural(looked, "line");
  const where = over
    ? `in all ${lines}`
    : found.length < FOUND_MAX
      ? `in the first ${lines}, searching…`
      : `in the first ${lines}`;
  if (!found.length) return `nothing ${where}`;
  return `${at >= 0 ? `${at + 1} of ` : ""}${found.length}${found.length < FOUND_MAX ? "" : "+"} ${where}`;
}

/**
 * Search all of it, piece by piece.
 * @param {import("../output.js").Output} output
 * @param {string} text
 * @param {AbortSignal} signal
 * @param {(search: Search) => void} tell
 */
async function look(output, text, signal, tell) {
  /** @type {number[]} */
  let found = [];
  let looked = 0;
  try {
    for (let from = 1; ; ) {
      const answer = await output.find(text, from, signal);
      found = [...found, ...answer.found];
      looked = answer.next === null ? answer.count : answer.next - 1;
      const over = answer.next === null;
      tell({ found, looked, over, error: "" });
      if (over || found.length >= FOUND_MAX) return;
      from = answer.next ?? 0;
    }
  } catch (error) {
    if (!signal.aborted) tell({ found, looked, over: true, error: asProblem(error).message });
  }
}
