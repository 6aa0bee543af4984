// A flow of flyte: its graph of events and steps, what each step calls, where results lead, and its last runs.
import { seg } from "../api.js";
import { html } from "../html.js";
import { FlyteSteps } from "../panels/flytesteps.js";
import { GraphPanel } from "../panels/graph.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { TemplateFindings } from "../panels/templatefindings.js";
import { TestEvent } from "../panels/testevent.js";
import { ROOT } from "../route.js";
import { flows } from "../state.js";
import { plain, plural } from "../text.js";
import { ago, hover } from "../time.js";
import { useLoad, useTitle } from "../use.js";
import { flowName } from "../flows.js";
import { LastRuns } from "./flow.js";

/** @typedef {import("../types/schemas").FlyteFlowPage} FlyteFlowPage */

const SHORT = 8;

/** @param {{id: string}} props  id: that of its runs */
export function FlyteFlow({ id }) {
  const { data, error, again } = useLoad(`flyte/flows/${seg(id)}`, flows.version.value);
  const flow = /** @type {FlyteFlowPage | null} */ (data);
  useTitle(flow?.name ?? "Flow");
  if (error?.status === 404)
    return html`<h1>${plain(flowName(id))}</h1>
      <${Empty} title="This flow of flyte is not here any more"><p>It was deleted, and no event opens a run of it. Its
        runs go on with the version that they began with.</p>
        <a class="button" href=${`${ROOT}/flows`}>All flows</a></${Empty}>
      <${LastRuns} flow=${id} asks=${false} />`;
  if (error && !flow) return html`<h1 class="unseen">${plain(id)}</h1><${Failure} error=${error} again=${again} />`;
  if (!flow) return html`<${Loading} what="the flow" />`;
  const named = { id, name: flow.name };
  return html`<header class="head"><h1>${plain(flow.name)}</h1>
      ${flow.description && html`<p class="head-named">${plain(flow.description)}</p>`}
      <p class="head-facts"><span>a flow of flyte with <b>${plural(flow.count, "step")}</b></span>
        <span>version <code title=${`digest ${flow.digest}`}>${flow.version.slice(0, SHORT)}</code>${" "}
          since <time dateTime=${flow.at} title=${hover(flow.at)}><b>${ago(flow.at)}</b></time> by
          <b> ${plain(flow.by)}</b></span></p></header>
    ${
      flow.steps.length
        ? html`<${GraphPanel} graph=${flow.graph} />`
        : html`<${Empty} title="It has no steps"><p>No event opens a run of it: post it with steps.</p></${Empty}>`
    }
    <${TemplateFindings} flow=${named} />
    ${flow.steps.length > 0 && html`<${FlyteSteps} steps=${flow.steps} />`}
    <${TestEvent} flow=${named} events=${flow.events} />
    <${LastRuns} flow=${id} asks=${false} />
    <${Versions} flow=${flow} />`;
}

/** @param {{flow: FlyteFlowPage}} props */
function Versions({ flow }) {
  return html`<section class="list"><h2>Versions</h2>
    <div class="card values"><dl>${flow.versions.map(
      (one) =>
        html`<div key=${one.version}><dt><code>${one.version}</code></dt><dd>${
          one.version === flow.version ? html`<b>current</b>` : "replaced"
        }, posted <time dateTime=${one.at} title=${hover(one.at)}>${ago(one.at)}</time> by ${plain(one.by)}</dd></div>`,
    )}</dl></div>
    <p class="faint">A run keeps the version that it began with. A version that was replaced is stored for an hour.
      The digest of the current one is <code>${plain(flow.digest)}</code>.</p></section>`;
}
