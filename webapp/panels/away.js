// Says of a run that the host which has it cannot be asked, and how old is what is shown; or that it never can.
import { html } from "../html.js";
import { plain } from "../text.js";
import { ago, full } from "../time.js";

/**
 * @param {{host: string, at: string | null, lost: boolean}} props  at: when it was heard last, or, if it is lost for
 *   good, when that was said
 */
export function Away({ host, at, lost }) {
  if (lost)
    return html`<div class="behind" role="status"><b>${plain(host)}</b> was forgotten ${
      at && html`<time dateTime=${at} title=${full(at)}>${ago(at)}</time>`
    }: the log of this run is gone with it, and so are its nodes, output and forms.</div>`;
  return html`<div class="behind" role="status"><b>${plain(host)}</b> ${
    at ? html`as of <time dateTime=${at} title=${full(at)}>${ago(at)}</time>` : "not heard of yet"
  }: this run is there, and its nodes, output and forms are shown again once it is back. Its commands may well be
    running.</div>`;
}
