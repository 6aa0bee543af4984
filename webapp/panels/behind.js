// Says of a list which hosts it tells old news of.
import { behind } from "../fleet.js";
import { html } from "../html.js";
import { hosts } from "../state.js";
import { plain } from "../text.js";
import { ago, full } from "../time.js";

/** @param {{asOf?: import("../types/api").AsOf}} props  asOf: what the list says of its age per host */
export function Behind({ asOf }) {
  const old = behind(hosts.state.value.data?.hosts ?? [], asOf);
  if (!old.length) return null;
  return html`<p class="behind">${old.map(
    ({ host, at }, nth) =>
      html`${nth > 0 && ", "}<span key=${host}><b>${plain(host)}</b> ${
        at ? html`as of <time dateTime=${at} title=${full(at)}>${ago(at)}</time>` : "not heard of yet"
      }</span>`,
  )}</p>`;
}
