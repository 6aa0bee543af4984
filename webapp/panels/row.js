// One run in a list: flow, state, title, reason if it is not good, time.
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain } from "../text.js";
import { brief, full, took } from "../time.js";
import { liveState, pendedFor } from "../waits.js";
import { Mark } from "./mark.js";

/** @param {{run: import("../types/api").Summary, flow?: boolean, children?: any}} props  children: for the reason */
export function Row({ run, flow = true, children }) {
  const state = liveState(run);
  const waits = run.state === "pending" ? (pendedFor(run.id) ?? run.phase) : "";
  const at = run.ended_at ?? run.started_at ?? run.pended_at;
  return html`<li class=${`row is-${state}`}>
    <${Mark} state=${state} />
    <a class="row-name" href=${runHref(run.id)}>${flow && html`<b>${plain(run.flow)}</b> `}
      <span class="id">${plain(run.id)}</span></a>
    <span class="row-why" title=${plain(run.why || waits)}>
      ${run.title && html`<span class="row-title">${plain(run.title)}</span> `}${
        children ?? plain(run.good ? "" : run.why || waits)
      }</span>
    <span class="row-by">${plain(run.by || run.trigger)}${
      run.host && html` <span class="faint">on ${plain(run.host)}</span>`
    }</span>
    <span class="row-took">${took(run.started_at, run.ended_at)}</span>
    <time class="row-at" dateTime=${at} title=${full(at)}>${brief(at)}</time>
  </li>`;
}
