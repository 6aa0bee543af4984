// The last runs of a flow, oldest left: result and duration of each.
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain } from "../text.js";
import { duration, full, now } from "../time.js";
import { lastKnown, waitingState } from "../waits.js";
import { stateName } from "./mark.js";

const HEIGHT_MIN = 6;
/** Ended runs from which "usually" says something. */
const ENOUGH = 5;
/** The highest bar, in usual durations. */
const TALL = 4;

/** The instant up to which a run is known. @param {import("../types/api").Summary} run */
function barEnd(run) {
  const at = run.ended_at ?? lastKnown(run)?.at;
  return at ? Date.parse(at) : now.value;
}

/**
 * @param {{list: import("../types/api").Summary[], asks: boolean}} props  list: newest first; asks: the flow waits for
 *   people, and how long a run took says little
 */
export function History({ list, asks }) {
  const shown = list.toReversed().map((run) => ({
    run,
    ms: run.started_at ? barEnd(run) - Date.parse(run.started_at) : 0,
  }));
  const over = shown
    .filter(({ run }) => run.ended_at && run.started_at)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  if (!shown.length) return null;
  // One run that waited for days would flatten all others.
  const tall = over.length ? TALL * over[over.length >> 1] : Infinity;
  const most = Math.max(1, Math.min(tall, Math.max(...shown.map(({ ms }) => ms))));
  return html`<figure class="history">
    <figcaption class="faint">${
      over.length >= ENOUGH &&
      html`usually ${duration(over[over.length >> 1])}, at most ${duration(over.at(-1) ?? 0)}${
        asks ? ", with the time that people took to answer" : ""
      }`
    }</figcaption>
    <div class="history-bars">${shown.map(({ run, ms }) => {
      const state = waitingState(run);
      return html`<a key=${run.id} class=${`history-bar is-${state}`} href=${runHref(run.id)}
        title="${plain(run.id)}: ${stateName(state)}, ${duration(ms)}, ${full(run.pended_at)}"
        aria-label="${plain(run.id)}: ${stateName(state)}, ${duration(ms)}">
          <i style=${{ height: `max(${HEIGHT_MIN}px, ${Math.min(100, (100 * ms) / most)}%)` }}></i></a>`;
    })}</div>
  </figure>`;
}
