// The last runs of a flow, oldest left: result and duration of each.
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain } from "../text.js";
import { duration, full, now } from "../time.js";
import { liveState } from "../waits.js";
import { stateName } from "./mark.js";

const HEIGHT_MIN = 6;

/** @param {{list: import("../types/api").Summary[]}} props  list: newest first */
export function History({ list }) {
  const shown = list.toReversed().map((run) => ({
    run,
    ms: run.started_at ? (run.ended_at ? Date.parse(run.ended_at) : now.value) - Date.parse(run.started_at) : 0,
  }));
  const over = shown
    .filter(({ run }) => run.ended_at && run.started_at)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  if (!shown.length) return null;
  const most = Math.max(1, ...shown.map(({ ms }) => ms));
  return html`<figure class="history">
    <figcaption class="faint">${
      over.length > 0 && html`usually ${duration(over[over.length >> 1])}, at most ${duration(over.at(-1) ?? 0)}`
    }</figcaption>
    <div class="history-bars">${shown.map(({ run, ms }) => {
      const state = liveState(run);
      return html`<a key=${run.id} class=${`history-bar is-${state}`} href=${runHref(run.id)}
        title="${plain(run.id)}: ${stateName(state)}, ${duration(ms)}, ${full(run.pended_at)}"
        aria-label="${plain(run.id)}: ${stateName(state)}, ${duration(ms)}">
          <i style=${{ height: `max(${HEIGHT_MIN}px, ${(100 * ms) / most}%)` }}></i></a>`;
    })}</div>
  </figure>`;
}
