// The mark of a state: a shape, a colour, and a name for screen readers.
import { classes, html } from "../html.js";

/** @type {Record<string, string>} */
const SHAPES = {
  waiting: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3",
  pending: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3M8 5.5V8l1.8 1.2",
  queued: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3M8 5.5V8l1.8 1.2",
  running: "M8 2.5A5.5 5.5 0 1 1 2.5 8",
  asking: "M8 1.8L14.2 8 8 14.2 1.8 8zM8 5v3.4M8 10.4v.4",
  retrying: "M12.8 8A4.8 4.8 0 1 1 11 4.2M11.4 1.8v2.8H8.6",
  good: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5 8.2l2.1 2.1L11 6",
  bad: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6",
  error: "M8 1.8L15 14H1zM8 6v3.6M8 11.6v.4",
  cancelled: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5 8h6",
  rejected: "M8 1.8L14.2 8 8 14.2 1.8 8zM6.3 6.3l3.4 3.4M9.7 6.3l-3.4 3.4",
  stalled: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M6.5 5.5v5M9.5 5.5v5",
  stopped: "M2.5 2.5h11v11h-11zM5.5 5.5h5v5h-5z",
  skipped: "M3 4.5L7.5 8 3 11.5zM8.5 4.5L13 8l-4.5 3.5z",
  never: "M4 8h8",
  well: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5 8.2l2.1 2.1L11 6",
  troubled: "M8 1.8L15 14H1zM8 6v3.6M8 11.6v.4",
  away: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M3.5 12.5l9-9",
  draining: "M8 2v8.5M4.5 7.5L8 11l3.5-3.5M3 14h10",
};
/** @type {Record<string, string>} */
const NAMES = { asking: "waiting for you", never: "never ran", good: "good", bad: "bad" };

/** The name of a state, as beside its mark. @param {string} state */
export const stateName = (state) => NAMES[state] ?? state;

/**
 * The mark of a state.
 * @param {{state: string, named?: boolean, old?: boolean}} props  named: show the name beside the mark; old: the state
 *   is the last known one
 */
export function Mark({ state, named, old }) {
  const name = `${old ? "last known: " : ""}${stateName(state)}`;
  return html`<span class=${classes("mark", `is-${state}`, old && "is-old")}>
    <svg viewBox="0 0 16 16" width="16" height="16" role="img" aria-label=${named ? undefined : name}
      aria-hidden=${named ? "true" : undefined}>
      <path d=${SHAPES[state] ?? SHAPES.never} />
    </svg>${named && html`<span>${name}</span>`}
  </span>`;
}
