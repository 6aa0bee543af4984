// Tabs whose choice is in the URL.
import { html } from "../html.js";
import { go, here } from "../route.js";

/**
 * @param {{tabs: {id: string, name: string, note?: string}[], chosen: string, of: string, children?: any}} props
 *   of: the name of the node that the first two are about
 */
export function Tabs({ tabs, chosen, of, children }) {
  const at = tabs.findIndex((tab) => tab.id === chosen);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(at + step + tabs.length) % tabs.length];
    go(here({ tab: next.id }), { replace: true });
    requestAnimationFrame(() => document.getElementById(`tab-${next.id}`)?.focus());
  };
  return html`<section class="tabs">
    <div class="tabs-list" role="tablist" aria-label="About this run" onKeyDown=${onKeyDown}>
      ${of && html`<span class="tabs-of" aria-hidden="true">${of}</span>`}${tabs.map(
        (tab) => html`
        <a role="tab" key=${tab.id} id=${`tab-${tab.id}`} href=${here({ tab: tab.id })} data-replace
          aria-selected=${tab.id === chosen ? "true" : "false"}
          aria-controls="tab-panel" tabindex=${tab.id === chosen ? 0 : -1}>${tab.name}${
            tab.note && html`<span class="count">${tab.note}</span>`
          }</a>`,
      )}
    </div>
    <div class="tabs-panel" role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${chosen}`}>
      <h2 class="unseen">${tabs[at]?.name}</h2>${children}</div>
  </section>`;
}
