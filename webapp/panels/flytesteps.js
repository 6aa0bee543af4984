// The steps of a flow of flyte as a table: what fires each, what it calls, and where its result may lead.
import { html } from "../html.js";
import { ROOT } from "../route.js";
import { plain } from "../text.js";

/** @typedef {import("../types/schemas").FlyteStep} FlyteStep */
/** @typedef {import("../types/schemas").FlytePart} FlytePart */

/** @type {Record<FlyteStep["served"], string>} */
const SERVED = {
  live: "",
  silent: "no pack that has it is live",
  command: "no pack has this command",
  labels: "no pack has these labels",
  "no-pack": "no such pack is registered",
};

/** @param {{steps: FlyteStep[]}} props */
export function FlyteSteps({ steps }) {
  const names = new Map(steps.map((step, at) => [step.node, step.id || `step ${at + 1}`]));
  return html`<section class="list"><h2>Steps</h2>
    <div class="events definition flyte-steps" tabindex="0" role="group" aria-label="Steps of the flow"><table>
      <thead><tr><th scope="col">step</th><th scope="col">fires on</th><th scope="col">if</th>
        <th scope="col">calls</th><th scope="col">its result leads to</th></tr></thead>
      <tbody>${steps.map(
        (step) => html`<tr key=${step.node}><td><b>${plain(names.get(step.node))}</b></td>
          <td data-name="fires on"><${Part} part=${step.event} />${
            !step.declared && html`<span class="doubt">no pack declares this event</span>`
          }${
            step.depends_on.length > 0 &&
            html`<span class="step-after">after ${step.depends_on.map(
              (id, at) => html`${at > 0 && " or "}<b key=${id}>${plain(id)}</b>`,
            )}</span>`
          }${
            step.unknown.length > 0 &&
            html`<span class="doubt">no step has the id ${step.unknown.map(plain).join(", ")}</span>`
          }</td>
          <td data-name="if">${step.criteria && html`<code class="definition-work">${plain(step.criteria)}</code>`}</td>
          <td data-name="calls"><${Part} part=${step.command} />${
            SERVED[step.served] && html`<a class="doubt" href=${`${ROOT}/packs`}>${SERVED[step.served]}</a>`
          }<${Given} step=${step} /></td>
          <td data-name="its result leads to"><${Results} step=${step} names=${names} /></td></tr>`,
      )}</tbody></table></div></section>`;
}

/** An event or a command of a pack, with the labels that the pack needs. @param {{part: FlytePart}} props */
function Part({ part }) {
  const labels = Object.entries(part.labels).map(
    ([name, value]) => html` <span class="chip" key=${name}>${plain(name)}=${plain(value)}</span>`,
  );
  const pack = html`<span class="faint">${plain(part.pack)}</span>`;
  return html`<span class="flyte-part">${pack} <b>${plain(part.name)}</b>${labels}</span>`;
}

/** The context and the input of a step, which are long. @param {{step: FlyteStep}} props */
function Given({ step }) {
  const context = Object.entries(step.context);
  if (!context.length && !step.input) return null;
  const what = [step.input && "input", context.length && "context"].filter(Boolean).join(" and ");
  return html`<details><summary>${what}</summary>
    ${step.input && html`<pre>${plain(step.input)}</pre>`}
    ${context.map(([name, value]) => html`<pre key=${name}>${plain(name)}: ${plain(value)}</pre>`)}</details>`;
}

/** @param {{step: FlyteStep, names: Map<string, string>}} props */
function Results({ step, names }) {
  return html`<ul class="flyte-results">${step.may_be.map(
    ({ event, declared, steps }) =>
      html`<li key=${event} class=${steps.length ? "" : "faint"}>${plain(event)}${
        steps.length > 0 &&
        html` → ${steps.map((node, at) => html`${at > 0 && ", "}<b key=${node}>${plain(names.get(node))}</b>`)}`
      }${!declared && html` <span class="doubt">not declared</span>`}</li>`,
  )}</ul>`;
}
