// The events of a run in order. Loads the missing ones when the run continues.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, seg } from "../api.js";
import { classes, html } from "../html.js";
import { here } from "../route.js";
import { ALL_MAX } from "../viewport.js";
import { asProblem } from "../state.js";
import { plain, plural } from "../text.js";
import { full, precise } from "../time.js";
import { shown } from "../values.js";
import { Chunks } from "./chunks.js";
import { Failure, Loading } from "./notice.js";

const PAGE = 500;
const ROW_PX = 30;

/** @typedef {import("../types/api").RunEvent} RunEvent */
/** @typedef {{events: RunEvent[], more: boolean, error: import("../api.js").Problem | null}} State */

/**
 * @param {{run: string, seq: number, at: number}} props  seq: the newest event; at: the shown moment, or 0
 */
export function EventsPanel({ run, seq, at }) {
  const [state, set] = useState(
    /** @type {State} */ ({
      events: [],
      more: true,
      error: null,
    }),
  );
  const unfolded = useRef(/** @type {Set<number>} */ (new Set())); // kept here because invisible rows are removed
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
  const isLong = state.events.length > ALL_MAX;
  /** @param {import("../types/api").RunEvent} event */
  const row = (event) => html`<tr key=${event.seq} class=${event.seq === at ? "is-pointed" : undefined}
    aria-rowindex=${isLong ? event.seq + 1 : undefined}>
    <td class="number"><a data-replace href=${here({ seq: String(event.seq) })}
    aria-label="The run after event ${event.seq}">${event.seq}</a></td>
    <td><time dateTime=${event.at} title=${full(event.at)}>${precise(event.at)}</time></td>
    <td><details open=${unfolded.current.has(event.seq)} onToggle=${(/** @type {any} */ { currentTarget: { open } }) =>
      unfolded.current[open ? "add" : "delete"](
        event.seq,
      )}><summary>${event.event}</summary><pre>${shown(event.data)}</pre></details></td>
    <td>${plain(event.node)}</td><td class="mono">${plain(event.tag)}</td><td data-name="by">${plain(event.by)}</td>
  </tr>`;
  /** @type {import("./chunks.js").Draw<import("../types/api").RunEvent>} */
  const draw = (events, height, ref) =>
    html`<tbody ref=${ref}>${
      events?.map(row) ?? html`<tr aria-hidden="true"><td colspan="6" style=${{ height }}></td></tr>`
    }</tbody>`;
  return html`<div class=${classes("events", isLong && "is-long")}>
    <table aria-rowcount=${isLong ? state.events.length + 1 : undefined}>
    <caption>${state.more && state.events.length < seq ? `the first ${state.events.length} of ` : ""}
      ${plural(seq, "event")}</caption>
    <thead><tr><th scope="col">#</th><th scope="col">time</th><th scope="col">event</th><th scope="col">node</th>
      <th scope="col">tag</th><th scope="col">by</th></tr></thead>
    <${Chunks} list=${state.events} guess=${ROW_PX} draw=${draw} />
  </table>${state.more && html`<button onClick=${load}>Show more</button>`}</div>`;
}
