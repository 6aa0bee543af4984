// Placeholders for data that is loading, missing or failed to load.
import { html } from "../html.js";
import { plain } from "../text.js";

/** A notice that something is loading. @param {{what: string}} props */
export function Loading({ what }) {
  return html`<p class="notice loading" role="status">
    <span class="spinner" aria-hidden="true"></span>Loading ${plain(what)}…</p>`;
}

/** A notice that a list is empty. @param {{title: any, children?: any}} props */
export function Empty({ title, children }) {
  return html`<div class="notice empty"><p class="notice-title">${title}</p>${children}</div>`;
}

/**
 * A notice that a request has failed, with a button to try again.
 * @param {{error: import("../api.js").Problem, again?: () => void}} props
 */
export function Failure({ error, again }) {
  return html`<div class="notice failure" role="alert">
    <p class="notice-title">${plain(error.message)}</p>
    ${error.hint && html`<p>${plain(error.hint)}</p>`}
    ${again && html`<button onClick=${again}>Try again</button>`}
  </div>`;
}
