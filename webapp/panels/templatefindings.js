// What is wrong in the templates of a flow: those that nothing can render, and what failed at earlier events.
import { html } from "../html.js";
import { seg } from "../api.js";
import { plain, plural } from "../text.js";
import { ago, full } from "../time.js";
import { useEvery, useLoad } from "../use.js";
import { Fault } from "./fault.js";
import { Failure } from "./notice.js";

/** @typedef {import("../types/schemas").FlyteFindings} FlyteFindings */
/** @typedef {import("../types/schemas").InboxFinding} InboxFinding */

/** @param {{flow: {id: string, name: string}}} props */
export function TemplateFindings({ flow }) {
  const { data, error, again } = useLoad(`flyte/flows/${seg(flow.id)}/findings`);
  useEvery(again);
  const found = /** @type {FlyteFindings | null} */ (data);
  if (error && !found) return html`<${Failure} error=${error} again=${again} />`;
  if (!found) return null;
  const { templates, doubts, judged } = found;
  if (!templates.length && !doubts.length && !judged.length)
    return html`<section class="list" aria-label="Findings"><h2>Findings</h2>
      <p class="faint">Every template can be read, and no event of this flow has failed.</p></section>`;
  return html`<section class="list" aria-label="Findings"><h2 class="is-bad">Findings</h2>
    ${
      templates.length > 0 &&
      html`<ul class="findings">${templates.map(
        (one) => html`<li class="is-bad" key=${`${one.number} ${one.place}`}><b>${stepName(one)}</b>
          ${" "}never makes an action: a template cannot be read.<${Fault} fault=${one} /></li>`,
      )}</ul>`
    }
    ${
      doubts.length > 0 &&
      html`<ul class="findings">${doubts.map(
        (what) => html`<li class="is-asking" key=${what}>${plain(what)}</li>`,
      )}</ul>`
    }
    ${judged.map(
      (one) => html`<${Judged} key=${one.host} count=${one.count} newest=${one.newest}
        title="Failed at ${plain(one.host)}" />`,
    )}</section>`;
}

/**
 * What was wrong when events were judged, the newest first; equal findings once.
 * @param {{title: any, count: number, newest: InboxFinding[]}} props
 */
export function Judged({ title, count, newest }) {
  /** @type {Map<string, InboxFinding[]>} */
  const groups = new Map();
  for (const one of newest) {
    const key = one.about ? JSON.stringify(one.about) : one.why;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return html`<h3 class="judged-title">${title}: ${plural(count, "finding")}${
    count > newest.length && html` <span class="faint">the newest ${newest.length} are shown</span>`
  }</h3><ul class="findings">${Array.from(
    groups,
    ([key, [{ at, why, about }, ...more]]) => html`<li class="is-bad" key=${key}>
      <time dateTime=${at} title=${full(at)}>${ago(at)}</time>
      ${
        about
          ? html` <b>${plain(about.pack)} ${plain(about.event)}</b>
              ${" "}<span>made no action of ${plain(about.step)}</span>`
          : html` <span>${plain(why)}</span>`
      }
      ${more.length > 0 && html` <span class="faint">and ${plural(more.length, "time")} before</span>`}
      ${about && html`<${Fault} fault=${about} />`}</li>`,
  )}</ul>`;
}

/** @param {{step: string, number: number}} one */
export const stepName = ({ step, number }) => (step ? `step ${plain(step)}` : `step ${number}, which has no id`);
