// Notice that a run's host is away or permanently lost, with the age of the shown data.
import { html } from "../html.js";
import { plain } from "../text.js";
import { ago, full, hover, when } from "../time.js";

/**
 * @param {{host: string, at: string | null, lost: boolean, run?: import("../types/api").Summary}} props
 *   at: the time of its last message, or, if it is permanently lost, of the forget
 */
export function Away({ host, at, lost, run }) {
  if (lost)
    return html`<div class="behind" role="status"><b>${plain(host)}</b> was forgotten ${
      at && html`<time dateTime=${at} title=${full(at)}>${ago(at)}</time>`
    }: the log of this run is gone with it, and so are its nodes, output and forms.</div>`;
  return html`<div class="behind" role="status"><b>${plain(host)}</b> ${
    at
      ? html`has not answered since <time dateTime=${at} title=${hover(at)}>${when(at)}</time>`
      : "has not answered since this host started"
  }: the log of this run is there, and its nodes, output and forms are shown again once it is back.${
    run?.state === "active" && " Its commands may be running."
  }</div>`;
}
