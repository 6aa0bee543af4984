// One flow: its graph, start forms, last runs and findings.
import { useEffect } from "preact/hooks";
import { seg } from "../api.js";
import { lastRun } from "../flows.js";
import { html } from "../html.js";
import { Definition } from "../panels/definition.js";
import { FailingSince } from "../panels/failing.js";
import { Findings } from "../panels/findings.js";
import { GraphPanel } from "../panels/graph.js";
import { History } from "../panels/history.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { Rows } from "../panels/rows.js";
import { Start } from "../panels/start.js";
import { ROOT, route, runHref } from "../route.js";
import { byPended, flows, learn, runs } from "../state.js";
import { plain } from "../text.js";
import { ago, full } from "../time.js";
import { useEvery, useLoad, useTitle } from "../use.js";
import { TriggerText, dueText, isOverdue } from "./flows.js";

const RUNS = 50;
const LISTED = 15;

/** @param {{id: string}} props */
export function Flow({ id }) {
  useTitle(id);
  const { data, error, again } = useLoad(`flows/${seg(id)}`, flows.version.value);
  const flow = /** @type {import("../types/api").FlowDetail | null} */ (data);
  useEvery(flows.load, isOverdue(flow ? [flow] : []));
  // Only runs know what is in a flow-file: the page is shown once its last one is here.
  const last = flow?.flow_file ? lastRun(flow) : null;
  const known = useLoad(last ? `runs/${seg(last.id)}` : "");
  const run = /** @type {import("../types/api").Detail | null} */ (known.data);
  if (error && !flow) return html`<h1 class="unseen">${plain(id)}</h1><${Failure} error=${error} again=${again} />`;
  if (!flow || (last && !run && !known.error)) return html`<${Loading} what=${id} />`;
  const read = run && run.graph.nodes.length > 1 ? run : null;
  return html`<header class="head"><h1>${plain(flow.name || flow.id)}</h1>
      <p class="head-facts"><span class="id">${plain(flow.id)}@${flow.ver}</span>
        <${FailingSince} failing=${flow.failing} />
        ${flow.flow_file && html`<span>from <code>${plain(flow.flow_file)}</code></span>`}
        ${tags("host", flow.host_tags)}${tags("resource", flow.resource_tags)}</p></header>
    <${Findings} findings=${flow.findings} />
    ${
      read
        ? html`<p class="faint">As the flow-file was in <a href=${runHref(read.id)}>${plain(read.id)}</a></p>
          <${GraphPanel} graph=${read.graph} />`
        : flow.flow_file
          ? html`<${Empty} title="The graph is known once a run has read the flow-file" />`
          : html`<${GraphPanel} graph=${flow.graph} />`
    }
    <div class="columns">
      <section class="card"><h2>Start</h2><${Start} flow=${flow} chosen=${route.value.query.get("trigger") ?? ""} />
        <h2>Triggers</h2><ul class="plain-list">${flow.triggers.map(
          (trigger) => html`<li key=${trigger.id}><${TriggerText} trigger=${trigger} />
            ${
              trigger.next_due &&
              html`<span
                class="trigger-next">${dueText(trigger.next_due)}, ${full(trigger.next_due)}</span>`
            }
            ${trigger.problem && html` <span class="field-message">${plain(trigger.problem)}</span>`}
            <${PassedOver} list=${trigger.passed_over ?? []} /></li>`,
        )}</ul>
      </section>
      <${LastRuns} flow=${flow.id} asks=${flow.graph.nodes.some(({ type }) => type === "data")} />
    </div>
    <${Definition} flow=${flow} run=${read} />`;
}

/** Deliveries to a push trigger that started nothing, the newest open to read.
 * @param {{list: import("../types/schemas").Trigger["passed_over"]}} props */
function PassedOver({ list }) {
  if (!list.length) return null;
  const [newest, ...older] = list.map(
    ({ at, why }) => html`<span class="trigger-next" title=${full(at)}>passed over ${ago(at)}: ${plain(why)}</span>`,
  );
  if (!older.length) return newest;
  return html`<details><summary>${newest}</summary><ul class="plain-list">${older.map(
    (one, i) => html`<li key=${i}>${one}</li>`,
  )}</ul></details>`;
}

/** @param {string} kind @param {string[] | undefined} list */
const tags = (kind, list) =>
  list?.length
    ? html`<span>${kind} tags ${list.map((tag) => html`<span class="chip" key=${tag}>${plain(tag)}</span>`)}</span>`
    : null;

/** @param {{flow: string, asks: boolean}} props  asks: it waits for people */
export function LastRuns({ flow, asks }) {
  const { data, error, again } = useLoad(`runs?flow=${seg(flow)}&limit=${RUNS}`);
  const loaded = /** @type {{runs: import("../types/api").Summary[]} | null} */ (data);
  useEffect(() => {
    if (loaded) learn(loaded.runs);
  }, [loaded]);
  if (error && !loaded) return html`<${Failure} error=${error} again=${again} />`;
  const mine = [...runs.value.values()]
    .filter((run) => run.flow === flow)
    .sort(byPended)
    .slice(0, RUNS);
  return html`<section class="list">
    <h2>Last runs <a class="more" href=${`${ROOT}/runs?flow=${seg(flow)}`}>all, with filters</a></h2>${
      mine.length
        ? html`<${History} list=${mine} asks=${asks} /><${Rows} list=${mine.slice(0, LISTED)} flow=${false}
            at="started" />`
        : loaded
          ? html`<${Empty} title="It never ran" />`
          : html`<${Loading} what="runs" />`
    }</section>`;
}
