// Notice of the hosts whose part of a list is old.
import { behind } from "../fleet.js";
import { html } from "../html.js";
import { hosts } from "../state.js";
import { plain } from "../text.js";
import { ago, full } from "../time.js";

/** @param {{asOf?: import("../types/api").AsOf}} props  asOf: the age of the list per host */
export function Behind({ asOf }) {
  const old = behind(hosts.state.value.data?.hosts ?? [], asOf);
  if (!old.length) return null;
  return html`<p class="behind">${old.map(
    ({ host, at }, nth) =>
      html`${nth > 0 && ", "}<span key=${host}><b>${plain(host)}</b> ${
        at ? html`as of <time dateTime=${at} title=${full(at)}>${ago(at)}</time>` : "has sent nothing yet"
      }</span>`,
  )}</p>`;
}
