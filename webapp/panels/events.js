// The facts of a run in order. Loads what it lacks when the run has gone on.
import { useEffect, useState } from "preact/hooks";
import { get, seg } from "../api.js";
import { html } from "../html.js";
import { here } from "../route.js";
import { asProblem } from "../state.js";
import { plain, plural, shown } from "../text.js";
import { clock, full } from "../time.js";
import { Failure, Loading } from "./notice.js";

const PAGE = 500;

/** @param {{run: string, seq: number, at: number}} props  seq: how far the run is; at: the moment that is shown, or 0 */
export function EventsPanel({ run, seq, at }) {
  const [state, set] = useState(/** @type {{events: import("../types/api").RunEvent[], more: boolean, error: import("../api.js").Problem | null}} */ ({ events: [], more: true, error: null }));
  const last = state.events.at(-1)?.seq ?? 0;
  const load = () => {
    const abort = new AbortController();
    get(`runs/${seg(run)}/events?after=${last}&limit=${PAGE}`, abort.signal).then(
      ({ events, next }) => set((old) => ({ events: [...old.events, ...events], more: next !== null, error: null })),
      (error) => abort.signal.aborted || set((old) => ({ ...old, error: asProblem(error) })),
    );
    return () => abort.abort();
  };
  useEffect(() => {
    if (last < seq && (last === 0 || !state.more)) return load();
  }, [run, seq, last, state.more]);
  if (state.error) return html`<${Failure} error=${state.error} again=${load} />`;
  if (!state.events.length) return html`<${Loading} what="events" />`;
  return html`<div class="events"><table>
    <caption>${plural(state.events.length, "event")}</caption>
    <thead><tr><th scope="col">#</th><th scope="col">time</th><th scope="col">event</th><th scope="col">node</th><th scope="col">tag</th><th scope="col">by</th></tr></thead>
    <tbody>${state.events.map((event) => html`<tr key=${event.seq} class=${event.seq === at ? "is-pointed" : undefined}>
      <td class="number"><a data-replace href=${here({ seq: String(event.seq) })} aria-label="The run after event ${event.seq}">${event.seq}</a></td>
      <td><time dateTime=${event.at} title=${full(event.at)}>${clock(event.at)}</time></td>
      <td><details><summary>${event.event}</summary><pre>${shown(event.data)}</pre></details></td>
      <td>${plain(event.node)}</td><td class="mono">${plain(event.tag)}</td><td>${plain(event.by)}</td>
    </tr>`)}</tbody>
  </table>${state.more && html`<button onClick=${load}>Show more</button>`}</div>`;
}
