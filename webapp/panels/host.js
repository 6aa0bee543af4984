// One host: what it is, what it does, and its config, which can be read again.
import { useState } from "preact/hooks";
import { post, seg } from "../api.js";
import { html } from "../html.js";
import { flows, hosts } from "../state.js";
import { plain, plural } from "../text.js";
import { ago, clock, full } from "../time.js";
import { useAction } from "../use.js";
import { Findings } from "./findings.js";
import { Failure } from "./notice.js";

/** @param {{host: import("../types/api").Host}} props */
export function HostPanel({ host }) {
  const [said, say] = useState("");
  const { busy, error, run: reload } = useAction(async () => {
    say("");
    const { flows: count } = await post(`hosts/${seg(host.id)}/reload`);
    say(`Read again: ${plural(count, "flow")}.`);
    await Promise.all([hosts.load(), flows.load()]);
  });
  return html`<article class="host">
    <header class="host-head">
      <h2>${plain(host.id)}</h2>${host.self && html`<span class="chip">this host</span>`}${host.draining && html`<span class="chip is-asking">draining</span>`}
      <span class="faint">floe ${plain(host.version)}, since <time dateTime=${host.started_at} title=${full(host.started_at)}>${ago(host.started_at)}</time>, seen ${ago(host.seen_at)}, its clock says <time dateTime=${host.seen_at} title=${full(host.seen_at)}>${clock(host.seen_at)}</time></span>
    </header>
    <p class="chips" aria-label="Tags">${host.tags.map((tag) => html`<span class="chip" key=${tag}>${plain(tag)}</span>`)}</p>
    <div class="meter"><div class="meter-text"><span>${host.active} of ${plural(host.slots, "slot")} in use</span><span class="faint">${host.pending} pending</span></div>
      <progress max=${host.slots} value=${host.active} aria-label="Slots in use"></progress></div>
    <div class="meter"><div class="meter-text"><span>${host.running} of ${plural(host.commands, "command")} running</span><span class="faint">${host.waiting} waiting</span></div>
      <progress max=${host.commands} value=${host.running} aria-label="Commands running"></progress></div>
    <div class="meter"><div class="meter-text"><span>load ${host.load.toFixed(2)}</span><span class="faint">${plural(host.cpus, "processor")}</span></div>
      <progress max=${host.cpus} value=${Math.min(host.load, host.cpus)} aria-label="Load"></progress></div>
    ${host.config && html`<section class="values"><h3>Config</h3><dl>
      <div><dt>file</dt><dd>${plain(host.config.path)}</dd></div>
      <div><dt>read</dt><dd>${full(host.config.loaded_at)}</dd></div>
      <div><dt>digest</dt><dd>${plain(host.config.digest).slice(0, 19)}</dd></div>
      <div><dt>address</dt><dd>${plain(host.url)}</dd></div></dl>
      <${Findings} findings=${host.config.findings} /></section>`}
    ${error && html`<${Failure} error=${error} /><${Findings} findings=${error.findings} />`}
    <footer class="host-foot"><button onClick=${reload} disabled=${busy}>Read config again</button><span role="status" class="faint">${said}</span></footer>
  </article>`;
}
