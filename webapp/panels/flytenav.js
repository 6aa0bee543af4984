// The pages about flyte, below the heading of each of them.
import { html } from "../html.js";
import { ROOT } from "../route.js";

const PAGES = /** @type {const} */ ([
  ["packs", "Packs"],
  ["datastore", "Datastore"],
  ["inbox", "Inbox"],
]);

/** @param {{at: "packs" | "datastore" | "inbox"}} props */
export function FlyteNav({ at }) {
  return html`<nav class="flyte-nav attempts" aria-label="Flyte">${PAGES.map(
    ([page, name]) => html`<a key=${page} href=${`${ROOT}/${page}`} aria-current=${page === at ? "page" : undefined}
      >${name}</a>`,
  )}</nav>`;
}
