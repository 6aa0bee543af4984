// Personal tokens: for scripts and other machines; each is shown once and can be revoked.
import { useState } from "preact/hooks";
import { post, remove, seg } from "../api.js";
import { html } from "../html.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { logOut, user } from "../state.js";
import { plain } from "../text.js";
import { ago, full } from "../time.js";
import { useAction, useLoad, useTitle } from "../use.js";

export function Tokens() {
  useTitle("Tokens");
  const [name, setName] = useState("");
  const [made, setMade] = useState("");
  const { data, error, again } = useLoad("tokens");
  const loaded = /** @type {{tokens: import("../types/api").Token[], old: string} | null} */ (data);
  const make = useAction(async () => {
    const { token } = await post("login", { personal: name.trim() });
    setMade(token);
    setName("");
    again();
  });
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    if (name.trim()) void make.run();
  };
  return html`<header class="head-title"><h1>Personal tokens</h1>
    <button onClick=${logOut}>Log out ${user.value}</button></header>
    <form class="form token-form" onSubmit=${onSubmit}>
      <div class=${make.error ? "field is-wrong" : "field"}><label for="token-name">What is it for?</label>
        <input id="token-name" type="text" required maxlength="63" autocomplete="off" placeholder="laptop" value=${name}
          onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)} />
        ${
          make.error &&
          html`<p class="field-message" role="alert">${plain(make.error.fields.personal ?? make.error.message)}</p>`
        }</div>
      <div class="form-buttons">
        <button class="is-main" aria-disabled=${make.busy || !name.trim()}>Make a token</button></div>
    </form>
    <div role="status">${
      made &&
      html`<p class="token-made">Copy it now, it is not shown again: <code>
        ${made}</code> <button onClick=${() => navigator.clipboard?.writeText(made)}>Copy</button> <button class="quiet"
        onClick=${() => setMade("")}>Hide</button></p>`
    }</div>
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${!loaded && !error && html`<${Loading} what="tokens" />`}
    ${loaded?.old && html`<p class="faint" role="status">This list may be old: ${plain(loaded.old)}.</p>`}
    ${
      loaded &&
      (loaded.tokens.length
        ? html`<ul class="rows tokens" aria-label="Tokens">${loaded.tokens.map(
            (token) => html`<${Row} key=${token.id} token=${token} again=${again} />`,
          )}</ul>`
        : html`<${Empty} title="No personal tokens">
          <p class="faint">With a token scripts log in as you: floe login, or the header X-Floe-Auth.</p></${Empty}>`)
    }`;
}

/** @param {{token: import("../types/api").Token, again: () => void}} props */
function Row({ token, again }) {
  const [sure, setSure] = useState(false);
  const { busy, error, run } = useAction(async () => {
    await remove(`tokens/${seg(token.id)}`);
    again();
  });
  return html`<li class="row is-token"><b>${plain(token.name)}</b>
    <span class="faint">made <time dateTime=${token.made_at} title=${full(token.made_at)}>
      ${ago(token.made_at)}</time></span>
    ${error && html`<span class="field-message" role="alert">${plain(error.message)}</span>`}
    <span class="token-act">${
      sure
        ? html`<button class="is-bad" aria-disabled=${busy} onClick=${run}>Revoke ${plain(token.name)}</button> <button
          class="quiet" onClick=${() => setSure(false)}>Keep it</button>`
        : html`<button onClick=${() => setSure(true)} aria-label="Revoke ${plain(token.name)}…">Revoke…</button>`
    }</span></li>`;
}
