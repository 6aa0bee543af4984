// The actions on a host that the replying host offers, and the way to its secrets.
import { useState } from "preact/hooks";
import { post, seg } from "../api.js";
import { html } from "../html.js";
import { ROOT } from "../route.js";
import { flows, hosts } from "../state.js";
import { plain, plural } from "../text.js";
import { ago, now } from "../time.js";
import { useAction } from "../use.js";
import { Confirm } from "./confirm.js";
import { Findings } from "./findings.js";
import { Failure } from "./notice.js";

/** A host seen more recently can be forgotten only with force. */
const FORCE_MS = 30_000;

/** @typedef {import("../types/api").Host} Host */

/** @param {{host: Host}} props */
export function HostActs({ host }) {
  const [said, say] = useState("");
  const {
    busy,
    error,
    run: reload,
  } = useAction(async () => {
    say("");
    const { flows: count } = await post(`hosts/${seg(host.id)}/reload`);
    say(`Read again: ${plural(count, "flow")}.`);
    await Promise.all([hosts.load(), flows.load()]);
  });
  const offers = host.offers ?? [];
  if (!host.id) return null;
  return html`${error && html`<${Failure} error=${error} /><${Findings} findings=${error.findings} />`}
    <footer class="host-foot">
      ${offers.includes("reload") && html`<button onClick=${reload} aria-disabled=${busy}>Read config again</button>`}
      ${offers.includes("drain") && html`<${Drain} host=${host} />`}
      ${offers.includes("forget") && html`<${Forget} host=${host} />`}
      <a class="button quiet" href=${`${ROOT}/secrets?host=${seg(host.id)}`} aria-label=${`Secrets of ${plain(
        host.id,
      )}`}>Secrets</a>
      <span role="status" class="faint">${said}</span></footer>`;
}

/** @param {{host: Host}} props */
function Drain({ host }) {
  const name = plain(host.id);
  const act = async () => {
    await post(`hosts/${seg(host.id)}/drain`, { on: !host.draining });
    await hosts.load();
  };
  if (host.draining) {
    return html`<${Confirm} name="Undrain ${name}" title="Let ${name} take runs again?" yes="Undrain ${name}"
      no="Leave it draining" act=${act}>
      <p>Runs that wait may be given to it at once.</p></${Confirm}>`;
  }
  return html`<${Confirm} name="Drain ${name}" title="Drain ${name}?" yes="Drain ${name}" no="Leave it" act=${act}>
    <p>${name} takes no new runs. ${
      host.active
        ? `The ${plural(host.active, "run")} it has ${host.active === 1 ? "is" : "are"} finished there.`
        : "It has none now."
    } Runs that only it could take wait.</p>
    <p>It can be undone at any time.</p></${Confirm}>`;
}

/** @param {{host: Host}} props */
function Forget({ host }) {
  const [force, setForce] = useState(false);
  const name = plain(host.id);
  const isFresh = host.seen_at !== null && now.value - Date.parse(host.seen_at) < FORCE_MS;
  const act = async () => {
    await post(`hosts/${seg(host.id)}/forget`, { store: host.store, force: isFresh && force });
    await hosts.load();
  };
  return html`<${Confirm} name="Forget ${name}" title="Forget ${name}?" yes="Forget ${name}" no="Keep it" isBad
    act=${act}>
    <p>For a host that is permanently lost. Its runs end bad, or restart elsewhere if their flow
    has <code>on-host-lost: restart</code>; their resources are released.</p>
    <p>Should it come back with the same store (<code>
      ${plain(host.store)}</code>), it stops its commands. This cannot be undone.</p>
    ${
      isFresh &&
      html`<div class="field is-bool"><input id="force-${name}" type="checkbox" checked=${force} onChange=${(
        /** @type {any} */ event,
      ) => setForce(event.currentTarget.checked)} />
        <label for="force-${name}">By force: it was seen ${ago(host.seen_at)}, and I know that it is gone</label></div>`
    }</${Confirm}>`;
}
