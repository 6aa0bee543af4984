// Flows whose last runs all ended bad, and since when.
import { html } from "../html.js";
import { flowHref } from "../route.js";
import { plain, plural } from "../text.js";
import { hover, when } from "../time.js";

/** @param {{flows: import("../types/api").Flow[]}} props */
export function FailingList({ flows }) {
  const failing = flows.filter((flow) => flow.failing);
  if (!failing.length) return null;
  return html`<section class="list"><h2 class="is-bad">Failing <span class="count">${failing.length}</span></h2>
    <ul class="failing">${failing.map(
      (flow) => html`<li key=${`${flow.id}@${flow.ver}`}>
        <a href=${flowHref(flow.id)}>
          <b>${plain(flow.name || flow.id)}</b></a> <${FailingSince} failing=${flow.failing} /></li>`,
    )}</ul></section>`;
}

/** @param {{failing: import("../types/api").Flow["failing"]}} props */
export function FailingSince({ failing }) {
  if (!failing) return null;
  return html`<span class="failing-since"
    title=${hover(failing.since)}>failing since ${when(failing.since)}, ${plural(failing.runs, "run")}
      ${failing.more ? " and more" : ""}</span>`;
}
