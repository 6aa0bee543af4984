// The hosts: state, load and leases. The load is refreshed while the page is visible.
import { byNeed, tagsOf } from "../fleet.js";
import { classes, html } from "../html.js";
import { HostPanel } from "../panels/host.js";
import { Leases } from "../panels/leases.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { here, route } from "../route.js";
import { hosts } from "../state.js";
import { plain, plural } from "../text.js";
import { useEvery, useTitle } from "../use.js";

/** @typedef {import("../types/api").Host} Host */

export function Hosts() {
  useTitle("Hosts");
  const { data, error } = hosts.state.value;
  useEvery(hosts.load);
  if (error && !data) return html`<${Failure} error=${error} again=${hosts.load} />`;
  if (!data) return html`<${Loading} what="hosts" />`;
  const tag = route.value.query.get("tag") ?? "";
  const shown = byNeed(data.hosts).filter((host) => !tag || host.tags.includes(tag));
  return html`<h1>Hosts</h1>
    ${error && html`<${Failure} error=${error} />`}
    ${data.hosts.length > 1 && html`<${Together} hosts=${data.hosts} tag=${tag} />`}
    ${
      shown.length === 0 &&
      html`<${Empty} title="No host has the tag ${plain(tag)}"><p>
        <a data-replace href=${here({ tag: "" })}>All hosts</a></p></${Empty}>`
    }
    <div class="hosts">${shown.map(
      (host) => html`<${HostPanel} key=${`${host.id} ${host.store}`} host=${host} hosts=${data.hosts} />`,
    )}</div>
    <${Leases} />`;
}

/** Their total load, and their tags as filters. @param {{hosts: Host[], tag: string}} props */
function Together({ hosts: all, tag }) {
  /** @param {(host: Host) => number} of */
  const sum = (of) => all.reduce((total, host) => total + of(host), 0);
  return html`<p class="together">${plural(all.length, "host")} · ${sum((host) => host.active)} of ${plural(
    sum((host) => host.slots),
    "slot",
  )} in use · ${sum((host) => host.pending)} pending</p>
    <nav class="chips" aria-label="Hosts with a tag">${tagsOf(all).map(
      ([
        name,
        count,
      ]) => html`<a class=${classes("chip", "is-tag", name === tag && "is-chosen")} key=${name} data-replace
        href=${here({ tag: name === tag ? "" : name })} aria-current=${name === tag ? "true" : undefined}>
          ${plain(name)} <span class="faint">${count}</span></a>`,
    )}</nav>`;
}
