// The secrets of one host: their names, and a form that sets one. The host sends no value, and none is shown.
import { useState } from "preact/hooks";
import { remove, seg } from "../api.js";
import { classes, html } from "../html.js";
import { Confirm } from "../panels/confirm.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { SetSecret } from "../panels/setsecret.js";
import { flowHref, here, route } from "../route.js";
import { hosts } from "../state.js";
import { plain } from "../text.js";
import { ago, full } from "../time.js";
import { useLoad, useTitle } from "../use.js";

/** @typedef {import("../types/schemas").Secret} Secret */

const SOURCES = { environment: "in the environment of the host", folder: "in the folder of secrets", vault: "set" };

export function Secrets() {
  useTitle("Secrets");
  const { data: fleet, error: silent } = hosts.state.value;
  const host = route.value.query.get("host") || fleet?.hosts.find(({ self }) => self)?.id || "";
  const { data, error: refused, again } = useLoad(host && `hosts/${seg(host)}/secrets`);
  const [name, setName] = useState("");
  const loaded = /** @type {import("../types/schemas").Secrets | null} */ (data);
  const error = refused ?? (host ? null : silent);
  return html`<h1>${host ? `Secrets of ${plain(host)}` : "Secrets"}</h1>
    ${fleet && fleet.hosts.length > 1 && html`<${Others} all=${fleet.hosts} host=${host} />`}
    ${error && html`<${Failure} error=${error} again=${refused ? again : hosts.load} />`}
    ${!loaded && !error && html`<${Loading} what="secrets" />`}
    ${
      loaded &&
      html`<p class="secrets-about">A secret is a password, token or key that a flow needs, such as
        ${" "}<code>NPM_TOKEN</code>. A task names it in <code>secrets</code>, and its command gets the value. Each
        host has its own secrets, and a run is placed on a host that has all it needs. A value is
        never shown again: outputs have <code>*</code> in its place.</p>
      <${SetSecret} key=${host} host=${host} name=${name} setName=${setName} known=${loaded.secrets} done=${again} />
      <${Missing} secrets=${loaded.missing} choose=${setName} />
      ${
        loaded.secrets.length
          ? html`<section class="list"><h2>Available</h2><ul class="rows" aria-label="Secrets">${loaded.secrets.map(
              (one) => html`<${Row} key=${one.name} host=${host} secret=${one} again=${again} />`,
            )}</ul></section>`
          : html`<${Empty} title="No secrets yet"><p>Set one above, or with
            ${" "}<code>floe secret set NPM_TOKEN</code>.</p></${Empty}>`
      }`
    }`;
}

/** A choice of the host. @param {{all: import("../types/api").Host[], host: string}} props */
function Others({ all, host }) {
  return html`<nav class="chips" aria-label="Secrets of a host">${all
    .filter(({ id }) => id)
    .map(
      ({ id }) => html`<a class=${classes("chip", "is-tag", id === host && "is-chosen")} key=${id} data-replace
        href=${here({ host: id })} aria-current=${id === host ? "true" : undefined}>${plain(id)}</a>`,
    )}</nav>`;
}

/**
 * Secrets that flows of the host name, and that it lacks.
 * @param {{secrets: import("../types/schemas").MissingSecret[], choose: (name: string) => void}} props
 */
function Missing({ secrets, choose }) {
  if (!secrets.length) return null;
  /** @param {string} name */
  const start = (name) => {
    choose(name);
    document.getElementById("secret-value")?.focus();
  };
  return html`<section class="list"><h2 class="is-bad">Missing</h2>
    <ul class="rows" aria-label="Missing secrets">${secrets.map(
      ({ name, flows }) => html`<li class="row is-secret" key=${name}><b class="mono">${plain(name)}</b>
        <span class="secret-facts"><span>named by <${Flows} ids=${flows} /></span></span>
        <span class="secret-act"><button onClick=${() => start(name)}>Set ${plain(name)}…</button></span></li>`,
    )}</ul></section>`;
}

/** @param {{host: string, secret: Secret, again: () => void}} props */
function Row({ host, secret, again }) {
  const { flows } = secret;
  const name = plain(secret.name);
  const act = async () => {
    await remove(`hosts/${seg(host)}/secrets/${seg(secret.name)}`);
    again();
  };
  return html`<li class="row is-secret"><b class="mono">${name}</b>
    <span class="secret-facts"><span>${SOURCES[secret.source]}${
      secret.set_at && html` <time dateTime=${secret.set_at} title=${full(secret.set_at)}>${ago(secret.set_at)}</time>`
    }${secret.set_by && ` by ${plain(secret.set_by)}`}</span>
      <span>${flows.length ? html`named by <${Flows} ids=${flows} />` : "no flow here names it"}</span>
      ${secret.problem && html`<span class="field-message">cannot be used: ${plain(secret.problem)}</span>`}</span>
    <span class="secret-act">${
      secret.source === "vault" &&
      html`<${Confirm} name="Remove ${name}" title="Remove ${name} from ${plain(host)}?" yes="Remove ${name}"
        no="Keep it" isBad act=${act}>
        <p>The value cannot be shown or restored.</p>
        ${flows.length > 0 && html`<p>Runs that need it wait until a host has it.</p>`}
      </${Confirm}>`
    }</span></li>`;
}

/** @param {{ids: string[]}} props */
function Flows({ ids }) {
  return ids.map((id, at) => html`${at > 0 && ", "}<a key=${id} href=${flowHref(id)}>${plain(id)}</a>`);
}
