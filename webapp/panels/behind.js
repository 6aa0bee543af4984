// Notice of the hosts whose part of a list is old.
import { behind } from "../fleet.js";
import { html } from "../html.js";
import { hosts } from "../state.js";
import { plain } from "../text.js";
import { hover, when } from "../time.js";

/** @param {{asOf?: import("../types/api").AsOf}} props  asOf: the age of the list per host */
export function Behind({ asOf }) {
  const old = behind(hosts.state.value.data?.hosts ?? [], asOf);
  if (!old.length) return null;
  return html`<p class="behind">${old.map(
    ({ host, at }, nth) =>
      html`${nth > 0 && " "}<span key=${host}><b>${plain(host)}</b> ${
        at
          ? html`has not answered since <time dateTime=${at} title=${hover(at)}>
            ${when(at)}</time>: its runs are shown as they were then.`
          : "has not answered since this host started: its runs are shown as last known here."
      }</span>`,
  )}</p>`;
}
