// What a test event would come to, flow by flow and step by step.
import { classes, html } from "../html.js";
import { flowHref } from "../route.js";
import { plain, plural } from "../text.js";
import { shown } from "../values.js";
import { Fault } from "./fault.js";
import { stepName } from "./templatefindings.js";

/** @typedef {import("../types/schemas").FlyteTried} FlyteTried */
/** @typedef {import("../types/schemas").FlyteTriedStep} FlyteTriedStep */

const WORDS = {
  fires: "fires",
  labels: "does not fire: labels",
  criteria: "does not fire: criteria",
  waits: "does not fire: depends on others",
  fault: "fails",
};

/** How many steps would fire. @param {FlyteTried} tried */
export const firing = ({ flows }) =>
  flows.reduce((sum, { steps }) => sum + steps.filter(({ outcome }) => outcome === "fires").length, 0);

/** What an event would begin, in a few words. @param {FlyteTried} tried */
export function countText(tried) {
  const runs = tried.starts.filter(({ why }) => !why).length;
  const steps = firing(tried);
  const parts = [
    steps > 0 && `${plural(steps, "step")} would fire`,
    runs > 0 && `${plural(runs, "flow")} of floe start`,
  ];
  return parts.filter(Boolean).join(", ") || "No step would fire";
}

/** @param {{tried: FlyteTried, first: string, children: any}} props  first: the id of the flow that comes first */
export function Tried({ tried, first, children }) {
  /** @param {FlyteTried["flows"][number]} flow */
  const rank = ({ id, steps }) => {
    const outcomes = steps.map(({ outcome }) => outcome);
    return Number(id === first) * 4 + Number(outcomes.includes("fires")) * 2 + Number(outcomes.includes("fault"));
  };
  const flows = [...tried.flows].sort((a, b) => rank(b) - rank(a));
  const starts = tried.starts.length > 0 && html`<${Starts} starts=${tried.starts} />`;
  if (!flows.length && !starts)
    return html`<div class="tried"><p><b>No flow waits for ${plain(tried.event)} of ${plain(tried.pack)}.</b></p>${
      tried.near.length > 0 &&
      html`<p class="faint">Flows wait for: ${tried.near
        .map(({ pack, event }) => `${plain(pack)} ${plain(event)}`)
        .join(", ")}</p>`
    }${children}</div>`;
  return html`<div class="tried"><p><b>${countText(tried)}</b>${
    tried.more > 0 && html` <span class="faint">${tried.more} more flows wait for it</span>`
  }</p>${children}${starts}${flows.map(
    (flow) =>
      html`<section key=${flow.id} aria-label=${plain(flow.name)}><h3><a href=${flowHref(flow.id)}>${plain(
        flow.name,
      )}</a></h3>${flow.failed && html`<p class="tried-waits">It could not be judged: ${plain(flow.failed)}</p>`}<ul
      class="findings">${flow.steps.map((step) => html`<${Step} key=${step.number} step=${step} />`)}</ul></section>`,
  )}</div>`;
}

/** The flows of floe that an event starts. @param {{starts: FlyteTried["starts"]}} props */
function Starts({ starts }) {
  return html`<section aria-label="Flows of floe"><h3>Flows of floe</h3><ul class="findings">${starts.map(
    ({ flow, name, trigger, values, condition, why }) => html`<li class=${why ? "is-bad" : "is-good"}
      key=${`${flow} ${trigger}`}><b><a href=${flowHref(flow)}>${plain(name)}</a></b>
      <span>${why ? "does not start" : `starts by ${plain(trigger)}`}${
        !why && condition && html` if <code>${plain(condition)}</code>`
      }</span>${why ? html`<p class="faint">${plain(why)}</p>` : html`<pre class="fault-line">${shown(values)}</pre>`}
    </li>`,
  )}</ul></section>`;
}

/** @param {{step: FlyteTriedStep}} props */
function Step({ step }) {
  const { outcome, why, action, fault } = step;
  const kind = { fires: "is-good", fault: "is-bad" }[/** @type {string} */ (outcome)] ?? "is-waiting";
  return html`<li class=${classes("tried-step", kind)}><b>${stepName(step)}</b> <span>${WORDS[outcome]}</span>
    ${action && html`<${Action} action=${action} />`}
    ${fault ? html`<${Fault} fault=${fault} />` : why && html`<p class="faint">${plain(why)}</p>`}</li>`;
}

/** @param {{action: import("../types/schemas").FlyteTriedAction}} props */
function Action({ action }) {
  const { pack, labels, command, input, context, waits } = action;
  const asked = Object.entries(labels).map(([name, value]) => `${plain(name)}=${plain(value)}`);
  return html`<div class="fault"><p>${plain(pack)} <b>${plain(command)}</b>${
    asked.length > 0 && ` with ${asked.join(", ")}`
  }</p>
    <pre class="fault-line">${input === null ? "no input" : shown(input)}</pre>
    ${
      Object.keys(context).length > 0 &&
      html`<p class="faint">Context: ${Object.entries(context)
        .map(([name, value]) => `${plain(name)} = ${plain(value)}`)
        .join("; ")}</p>`
    }
    ${waits && html`<p class="tried-waits">${plain(waits)}</p>`}</div>`;
}
