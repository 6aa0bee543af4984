// One host: its state, its load, and its actions.
import { clockText, hostState, troublesOf } from "../fleet.js";
import { html } from "../html.js";
import { plain, plural, size } from "../text.js";
import { ago, full, hover, when } from "../time.js";
import { Findings } from "./findings.js";
import { HostActs } from "./hostacts.js";
import { Mark } from "./mark.js";
import { Meter } from "./meter.js";

/** @typedef {import("../types/api").Host} Host */

/** @param {{host: Host, hosts: Host[]}} props  hosts: all of them */
export function HostPanel({ host, hosts }) {
  const state = hostState(host, hosts);
  const troubles = troublesOf(host);
  return html`<article class=${`host is-${state}`}>
    <header class="host-head">
      <h2><${Mark} state=${state} /> ${plain(host.id)}</h2>
      ${host.self && html`<span class="chip">this host</span>`}${
        host.keeper && hosts.length > 1 && html`<span class="chip" title="Grants the cluster's leases">keeper</span>`
      }
      ${state === "away" && html`<span class="chip is-away">${host.seen_at ? "away" : "not seen yet"}</span>`}
      ${host.draining && html`<span class="chip is-draining">draining</span>`}
      <span class="chips" aria-label="Tags" role="group">${host.tags.map(
        (tag) => html`<span class="chip is-tag" key=${tag}>${plain(tag)}</span>`,
      )}</span>
    </header>
    ${
      troubles.length > 0 &&
      html`<ul class="host-problems">${troubles.map((one) => html`<li key=${one}>${plain(one)}</li>`)}</ul>`
    }
    <${Meter} name="Slots in use" most=${host.slots} used=${host.active}
      note=${host.pending ? `${host.pending} pending` : ""}>
        <b>${host.active}</b> of ${plural(host.slots, "slot")} in use</${Meter}>
    ${
      host.commands !== undefined &&
      html`<${Meter} name="Commands running"
        most=${host.commands_at_once ?? host.commands} used=${host.running ?? 0}
        note=${host.waiting ? `${host.waiting} waiting` : ""}>
          <b>${host.running ?? 0}
            </b> of ${plural(host.commands_at_once ?? host.commands, "command")} running</${Meter}>`
    }
    ${host.commands_why && html`<p class="host-facts">not ${host.commands}: ${plain(host.commands_why)}</p>`}
    ${
      host.load !== undefined &&
      host.cpus !== undefined &&
      html`<${Meter} name="Load" most=${host.cpus}
        used=${host.load} note=${plural(host.cpus, "processor")}>load <b>${host.load.toFixed(2)}</b></${Meter}>`
    }
    <p class="host-facts">${facts(host).map((one, at) => html`${at > 0 && " · "}<span key=${at}>${one}</span>`)}</p>
    ${
      host.config &&
      html`<details class="values" open=${hosts.length === 1 || host.config.findings.length > 0}>
          <summary>Config</summary><dl>
        <div><dt>file</dt><dd>${plain(host.config.path)}</dd></div>
        <div><dt>read</dt><dd>${full(host.config.loaded_at)}</dd></div>
        <div><dt>digest</dt><dd>${plain(host.config.digest).slice(0, 19)}</dd></div>
        ${host.staying?.map((one) => html`<div key=${one}><dt>left</dt><dd>${plain(one)}</dd></div>`)}
        ${host.notes?.map((one) => html`<div key=${one}><dt>note</dt><dd>${plain(one)}</dd></div>`)}</dl>
        <${Findings} findings=${host.config.findings} /></details>`
    }
    <${HostActs} host=${host} />
  </article>`;
}

/** Short facts about a host. @param {Host} host */
function facts(host) {
  const off = clockText(host);
  return [
    `floe ${plain(host.version)}`,
    host.started_at &&
      html`up since <time dateTime=${host.started_at} title=${hover(host.started_at)}>${when(host.started_at)}</time>`,
    host.seen_at && html`seen <time dateTime=${host.seen_at} title=${full(host.seen_at)}>${ago(host.seen_at)}</time>`,
    host.disk && html`<span title=${diskText(host.disk)}>${size(diskBytes(host.disk))} on disk</span>`,
    off && html`<b class="host-skew">${off}</b>`,
    host.url && html`<code>${plain(host.url)}</code>`,
  ].filter(Boolean);
}

/** @typedef {NonNullable<Host["disk"]>} Disk */

/** @param {Disk} disk */
const diskBytes = (disk) => disk.workspaces + disk.outputs + disk.store;

/** @param {Disk} disk */
const diskText = (disk) =>
  `workspaces ${size(disk.workspaces)}, outputs ${size(disk.outputs)}, store ${size(disk.store)}, ${full(disk.at)}`;
