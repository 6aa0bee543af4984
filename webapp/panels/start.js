// Start a run: one form per trigger that takes data from people; without such a trigger, any of them by hand.
import { post } from "../api.js";
import { html } from "../html.js";
import { go, here, runHref } from "../route.js";
import { plain } from "../text.js";
import { FormPanel } from "./form.js";

/** @param {{flow: import("../types/api").Flow, chosen: string}} props  chosen: a trigger's id, or "" */
export function Start({ flow, chosen }) {
  const forPeople = flow.triggers.filter((trigger) => trigger.type === "data");
  const byHand = !forPeople.length;
  const offered = byHand ? flow.triggers : forPeople;
  const trigger = offered.find(({ id }) => id === chosen) ?? offered[0];
  if (!trigger) return html`<p class="faint">This flow has no trigger.</p>`;
  /** @param {Record<string, unknown>} values */
  const submit = async (values) => {
    const { run } = await post("push/data", { ref: { id: flow.id, ver: flow.ver }, form: { id: trigger.id, values } });
    go(runHref(run));
  };
  return html`<div class="start">
    ${
      offered.length > 1 &&
      html`<nav class="attempts" aria-label="Triggers">${offered.map(
        (one) => html`
          <a key=${one.id} data-replace href=${here({ trigger: one.id })}
            aria-current=${one === trigger ? "true" : undefined}>${plain(one.name || one.id)}</a>`,
      )}</nav>`
    }
    ${trigger.form?.title && html`<h3>${plain(trigger.form.title)}</h3>`}
    <${FormPanel} key=${trigger.id} fields=${trigger.form?.fields ?? []}
      choices=${[{ name: byHand ? "Run now" : "Start a run", kind: "main", submit }]} />
  </div>`;
}
