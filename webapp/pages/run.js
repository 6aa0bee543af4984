// One run, live: its state, graph and nodes, and details of the chosen node.
import { useRef } from "preact/hooks";
import { seg } from "../api.js";
import { later, useLater } from "../code.js";
import { flowName, titleOf } from "../flows.js";
import { classes, html } from "../html.js";
import { narrow } from "../settings.js";
import { Ask } from "../panels/ask.js";
import { Away } from "../panels/away.js";
import { Cancel } from "../panels/cancel.js";
import { mayPass, Pass } from "../panels/pass.js";
import { ChildRuns } from "../panels/children.js";
import { DataPanel } from "../panels/data.js";
import { EventsPanel } from "../panels/events.js";
import { Excerpt, useExcerpt } from "../panels/excerpt.js";
import { Failed, failedOf } from "../panels/row.js";
import { GraphPanel, tabFor } from "../panels/graph.js";
import { asItem, chosenItem, Items } from "../panels/items.js";
import { Mark, stateName } from "../panels/mark.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { Gantt } from "../panels/gantt.js";
import { OutputPanel } from "../panels/output.js";
import { NodeBar, Origin, RerunButton } from "../panels/rerun.js";
import { Slider } from "../panels/slider.js";
import { Steps } from "../panels/steps.js";
import { Tabs } from "../panels/tabs.js";
import { Visits, visitOf, visitShown } from "../panels/visits.js";
import { WhyPanel } from "../panels/why.js";
import { ROOT, flowHref, here, isOfFlyte, route, runHref } from "../route.js";
import { plain, ranOf } from "../text.js";
import { ago, full, hover, took, when } from "../time.js";
import { useLoad, useMoment, useRun, useTitle } from "../use.js";
import { shown } from "../values.js";
import { waitingState } from "../waits.js";

const acts = later(() => import("../panels/acts.js").then(({ Acts }) => Acts), ["acts"]);

const TABS = ["output", "data", "form", "events", "why"];

/** @typedef {import("../types/api").Detail} Detail */
/** @typedef {import("../types/api").RunNode} RunNode */

/** @param {{id: string}} props */
export function Run({ id }) {
  const { data: live, error } = useRun(id);
  const seq = Math.max(0, Number.parseInt(route.value.query.get("seq") ?? "", 10) || 0);
  const past = useMoment(id, live && seq < live.seq ? seq : 0);
  const end = useExcerpt(live);
  const isShown = useRef(false);
  useTitle(live ? `${plain(live.title || live.flow)} ${live.id}: ${stateName(waitingState(live))}` : id);
  if (error && !live) {
    const { away } = error;
    if (away?.run)
      return html`<${Head} run=${away.run} at=${null} away=${away} /><${Away} ...${away} /><${Known} ...${away} />`;
    if (error.status === 404)
      return html`<h1 class="unseen">${plain(id)}</h1><div role="alert"><${Empty} title="No run is called ${plain(id)}">
        <p>Is the id right? Among all runs it may be found by its flow, time or text.</p>
        <a class="button" href=${`${ROOT}/runs`}>All runs</a></${Empty}></div>`;
    if (error.removed)
      return html`<h1 class="unseen">${plain(id)}</h1><div role="alert"><${Empty} title="${plain(id)} was removed">
        <p>On ${full(error.removed.at)}: ${plain(error.removed.why)}.</p>
        <p class="faint">Its log, output and workspace are gone. <code>keep</code> in the config decides how long runs
          stay.</p><a class="button" href=${`${ROOT}/runs`}>All runs</a></${Empty}></div>`;
    return html`<h1 class="unseen">${plain(id)}</h1><${Failure} error=${error} />`;
  }
  // Its end stands above the rest of the page, which must not move when it arrives.
  isShown.current ||= live !== null && end.isHere;
  if (!live || !isShown.current) return html`<${Loading} what=${id} />`;
  const run = past.data ? { ...past.data, graph: past.data.graph.nodes.length ? live.graph : past.data.graph } : live;
  const at = past.data?.moment?.at ?? null;
  const away = live.state === "archive" ? null : (error?.away ?? null);
  const until = at ?? away?.at ?? null;
  const node = chosenNode(run);
  const tab = chosenTab(run, node);
  const isTime = route.value.query.get("view") === "time";
  const isGraph = !isTime && !narrow.value && run.graph.nodes.length > 0;
  const hasSteps = !isTime || !narrow.value;
  const steps =
    hasSteps &&
    html`<div class=${classes("run-steps", at && "is-past")} key="steps">
      <${Steps} nodes=${run.nodes} graph=${run.graph} chosen=${node?.id ?? ""} at=${until} old=${!!away} /></div>`;
  const panel = html`<${Tabs} key="panel" chosen=${tab} of=${plain(node?.name || node?.id)} tabs=${[
    { id: "output", name: "Output" },
    { id: "data", name: "Data" },
    { id: "form", name: "Form", note: run.forms.length ? String(run.forms.length) : "" },
    { id: "events", name: "Events" },
    { id: "why", name: "Why" },
  ]}>
    ${node && !at && html`<${NodeBar} run=${run} node=${node} />`}
    <${Panel} run=${run} node=${node} tab=${tab} seq=${at ? seq : 0} old=${!!away} /></${Tabs}>`;
  return html`<${Head} run=${run} at=${at} away=${away} />
    ${!at && !away && html`<${PersonActs} key=${run.key} run=${live} />`}
    ${error?.away && html`<${Away} ...${error.away} />`}
    ${past.error && html`<${Failure} error=${past.error} />`}
    ${
      !at &&
      end.node &&
      end.lines &&
      html`<${Excerpt} run=${run} node=${end.node} item=${end.item} lines=${end.lines} />`
    }
    <div class="views">
      <nav class="attempts" aria-label="View">
        <a data-replace data-key=${isTime ? "v" : undefined} href=${here({ view: "" })}
          aria-current=${isTime ? undefined : "true"}>${narrow.value ? "Steps" : "Graph"}</a>
            <a data-replace data-key=${isTime ? undefined : "v"} href=${here({ view: "time" })}
              aria-current=${isTime ? "true" : undefined}>Timeline</a></nav>
      ${
        live.seq > 1 &&
        (isTime || past.data) &&
        html`<${Slider} last=${live.seq} seq=${past.data ? seq : live.seq}
          fact=${past.data?.moment ?? null} over=${live.state === "archive"} />`
      }
    </div>
    <div class=${classes(at && (isTime || isGraph) && "is-past", away && "is-last-known")}>${
      isTime
        ? live.started_at
          ? html`<${Gantt} nodes=${run.nodes} from=${live.started_at} to=${live.ended_at ?? away?.at ?? null} at=${at}
            chosen=${node?.id ?? ""} />`
          : html`<${Empty} title="No node has started yet"><p>
            <a data-replace href=${here({ tab: "why" })}>Why?</a></p></${Empty}>`
        : isGraph &&
          html`<${GraphPanel} graph=${run.graph} nodes=${run.nodes} started=${run.started_at !== null}
            chosen=${node?.id} at=${until} />`
    }</div>
    <div class="run">${narrow.value && run.forms.length > 0 && tab === "form" ? [panel, steps] : [steps, panel]}</div>`;
}

/** What a person may do to a run of a different language, whose code is loaded for these alone.
 * @param {{run: Detail}} props */
function PersonActs({ run }) {
  const Acts = useLater(run.passes !== null && run.state !== "archive" ? acts : null);
  return Acts && html`<${Acts} run=${run} />`;
}

/**
 * What this host knows of a run whose log is away.
 * @param {NonNullable<import("../api.js").Problem["away"]>} props
 */
function Known({ host, graph, events }) {
  return html`<section class="list"><h2>Known here</h2>
    ${
      graph
        ? html`<p class="faint">The graph of its flow; how far each node is, its host knows.</p>
          <${GraphPanel} graph=${graph} />`
        : html`<p class="faint">The graph of its flow is not known here.</p>`
    }
    ${
      events.length === 0
        ? html`<p class="faint">None of its events is known here: ${plain(host)} has them, and its output.</p>`
        : html`<div class="events definition" tabindex="0" role="group" aria-label="Events known here"><table>
        <thead><tr><th scope="col">#</th><th scope="col">time</th><th scope="col">event</th><th scope="col">node</th>
          <th scope="col">by</th></tr></thead>
        <tbody>${events.map(
          (event) => html`<tr key=${event.seq}><td class="number">${event.seq}</td>
            <td><time dateTime=${event.at} title=${hover(event.at)}>${when(event.at)}</time></td><td>${event.event}</td>
            <td>${plain(event.node)}</td><td data-name="by">${plain(event.by)}</td></tr>`,
        )}</tbody></table></div>`
    }
  </section>`;
}

/**
 * @param {{run: Detail | import("../types/api").Summary, at: string | null,
 *   away: import("../api.js").Problem["away"]}} props  away: the host of the run, if it does not answer
 */
function Head({ run, at, away }) {
  const state = waitingState(run);
  const over = run.state === "archive";
  const old = !over && !!away && !away.lost;
  const until = run.ended_at ?? at ?? (old ? away.at : null);
  const failed = !over && "nodes" in run ? failedOf(run).length : 0;
  const about =
    "about" in run && !isOfFlyte(run.flow)
      ? run.about.filter(({ name, text }) => !run.title.includes(text === "true" ? name : text))
      : [];
  const cancelled = "cancelled_by" in run ? run.cancelled_by : "";
  return html`<header class=${`head is-${state}`}>
    <div class="head-title"><h1>
      <a href=${flowHref(run.flow)}>${plain(flowName(run.flow))}</a> <span class="id">${plain(run.id)}</span></h1>
      <span role="status" class="head-state"><${Mark} state=${state} named old=${old} />${
        failed > 0 && html`<span class="unseen">, </span>`
      }<${Failed} count=${failed} /></span>
      ${
        !at &&
        !over &&
        !away &&
        !cancelled &&
        html`<span class="head-acts">${"nodes" in run && mayPass(run) && html`<${Pass} run=${run} />`}
          <${Cancel} run=${run} /></span>`
      }
      ${!at && over && "nodes" in run && run.passes === null && html`<${RerunButton} run=${run} />`}</div>
    ${run.title && html`<p class="head-named"><b>${plain(titleOf(run))}</b></p>`}
    ${run.why && !run.good && html`<p class="head-why">${plain(run.why)}</p>`}
    <p class="head-facts">
      <span>by <b>${plain(run.by || run.trigger)}</b>${"by_hand" in run && run.by_hand && ", by hand"}</span>
      <span>trigger <b>${plain(run.trigger)}</b></span>
      ${run.label && html`<span>state <b>${plain(run.label)}</b></span>`}
      ${
        run.due &&
        html`<span>goes on <time dateTime=${run.due} title=${hover(run.due)}>
          <b>${when(run.due)}</b></time></span>`
      }
      ${run.host && html`<span>on <b>${plain(run.host)}</b></span>`}
      <span>pended <time dateTime=${run.pended_at} title=${hover(run.pended_at)}>
        <b>${when(run.pended_at)}</b></time></span>
      ${
        run.started_at &&
        (until || !old) &&
        html`<span>${over ? "took" : "for"} <b>
          ${took(run.started_at, until)}</b>${old && until && `, as of ${when(until)}`}</span>`
      }
      ${
        run.ended_at &&
        html`<span>ended <time dateTime=${run.ended_at} title=${hover(run.ended_at)}>
          <b>${when(run.ended_at)}</b></time></span>`
      }
      ${ranOf(run) && html`<span title=${`${run.skipped} skipped`}>${ranOf(run)}</span>`}
      ${
        run.parent &&
        html`<span>child of <a
          href=${`${runHref(run.parent.run)}?node=${encodeURIComponent(run.parent.node)}`}>${plain(run.parent.run)}</a
          >${!run.parent.waits && ", which does not wait"}</span>`
      }
      ${"rerun_of" in run && html`<${Origin} run=${run} />`}
      ${cancelled && !over && html`<span>cancelled by <b>${plain(cancelled)}</b></span>`}
      ${about.map(({ name, text }) => html`<span key=${name}>${plain(name)} <b>${plain(text)}</b></span>`)}
    </p>
  </header>`;
}

/**
 * The node of the URL, or else the most interesting one.
 * @param {Detail} run
 * @returns {RunNode | undefined}
 */
function chosenNode(run) {
  const asked = route.value.query.get("node");
  const { nodes } = run;
  if (asked) return nodes.find((node) => node.id === asked || node.ref === asked);
  const first = (/** @type {string[]} */ ...states) => nodes.find((node) => states.includes(node.state));
  return (
    first("asking") ??
    first("running", "retrying") ??
    (run.good === false ? (nodes.find((node) => run.failed.includes(node.id)) ?? first("bad", "error")) : undefined) ??
    nodes.findLast((node) => node.output_bytes) ??
    nodes.findLast((node) => node.ended_at)
  );
}

/** @param {Detail} run @param {RunNode | undefined} node */
function chosenTab(run, node) {
  const asked = route.value.query.get("tab");
  if (TABS.includes(asked ?? "")) return /** @type {string} */ (asked);
  return run.state === "pending" || !node ? "why" : tabFor(node);
}

/**
 * @param {{run: Detail, node: RunNode | undefined, tab: string, seq: number, old: boolean}} props
 *   seq: the shown moment, 0 for now; old: the run is shown as it was last known
 */
function Panel({ run, node, tab, seq, old }) {
  switch (tab) {
    case "output": {
      if (!node) return html`<${Empty} title="Choose a node to see what it printed" />`;
      if (node.type === "flow") return html`<${ChildRuns} run=${run} node=${node} />`;
      if (node.type === "flyte")
        return html`<${Empty} title="A pack carries this out: it prints nothing here"><p>
          <a data-replace href=${here({ tab: "data" })}>Its input and its result</a></p></${Empty}>`;
      if (node.items) return html`<${ItemOutput} run=${run} node=${node} seq=${seq} old=${old} />`;
      const visit = visitShown(node);
      const shown = visitOf(node, visit);
      if (!shown.started_at)
        return html`<div class="output-bar"><${Visits} node=${node} visit=${visit} /></div>
          <${NotStarted} node=${shown} />`;
      const attempt = Number(route.value.query.get("attempt")) || shown.attempt || 1;
      return html`<${OutputPanel} key=${`${run.key} ${node.id} ${visit} ${attempt}`} run=${run.id} node=${node}
        visit=${visit} attempt=${attempt} past=${seq > 0} old=${old} />`;
    }
    case "data":
      return html`<${DataPanel} run=${run} node=${node} seq=${seq} />`;
    case "form":
      return html`<${Forms} run=${run} node=${node} past=${seq > 0} />`;
    case "events":
      return html`<${EventsPanel} key=${run.key} run=${run.id} seq=${run.seq} at=${seq} />`;
    default:
      return html`<${WhyPanel} run=${run} past=${seq > 0} />`;
  }
}

/** The items of a visit of a node, and the output of the chosen one.
 * @param {{run: Detail, node: RunNode, seq: number, old: boolean}} props */
function ItemOutput({ run, node, seq, old }) {
  const visit = visitShown(node);
  const isEarlier = visit < (node.visit ?? 1);
  const query = `visit=${visit}${seq ? `&seq=${seq}` : ""}`;
  // The items of earlier visits are in no list of nodes, which would grow with each visit.
  const { data, error, again } = useLoad(isEarlier ? `runs/${seg(run.key)}/nodes/${seg(node.id)}?${query}` : "");
  const at = isEarlier ? /** @type {RunNode | null} */ (data) : node;
  if (error && !at) return html`<${Failure} error=${error} again=${again} />`;
  if (!at) return html`<${Loading} what="items" />`;
  const item = chosenItem(at);
  const one = { ...asItem(at, item), visit: node.visit };
  const attempt = Number(route.value.query.get("attempt")) || one.attempt || 1;
  return html`<${Items} node=${at} item=${item} />${
    one.started_at
      ? html`<${OutputPanel} key=${`${run.key} ${node.id} ${visit} ${item} ${attempt}`} run=${run.id} node=${one}
          visit=${visit} attempt=${attempt} item=${item} past=${seq > 0} old=${old} />`
      : html`<div class="output-bar"><${Visits} node=${node} visit=${visit} /></div><${NotStarted} node=${one} />`
  }`;
}

/** In place of an output: a node that ended without a start says why.
 * @param {{node: {state: string, why?: string}}} props */
function NotStarted({ node }) {
  const title = ["bad", "error"].includes(node.state) && node.why ? plain(node.why) : "It has not started";
  return html`<${Empty} title=${title}><p><a data-replace href=${here({ tab: "why" })}>Why?</a></p></${Empty}>`;
}

/** @param {{run: Detail, node: RunNode | undefined, past: boolean}} props */
function Forms({ run, node, past }) {
  const forms = [...run.forms].sort((a, b) => Number(b.node === node?.id) - Number(a.node === node?.id));
  if (forms.length && past)
    return html`<${Empty} title=${[
      "Open at this moment: ",
      forms.map((form, at) => html`${at > 0 && ", "}<span key=${form.node}>${plain(form.title || form.node)}</span>`),
    ]}><p><a data-replace href=${here({ seq: "" })}>Back to now</a></p></${Empty}>`;
  if (forms.length)
    return html`${forms.map(
      (form) => html`<${Ask} key=${`${form.node} ${form.visit}`} run=${run} form=${form} about=${run.about} />`,
    )}
      <${Answers} node=${node} />`;
  if (node?.type === "data" && node.ended_at) return html`<${Given} node=${node} /><${Answers} node=${node} />`;
  return html`<${Empty} title="No form is open">
    <p class="faint">What this run asks people is answered here.</p></${Empty}>`;
}

/** The answer to a form: by whom, when and with what. @param {{node: RunNode}} props */
function Given({ node }) {
  const how = node.by ? (node.good ? "Approved" : "Rejected") : node.why || node.state;
  const outputs = Object.entries(node.outputs ?? {});
  return html`<div class="data"><p class="why-text">${plain(how)}${
    node.by && html` by <b>${plain(node.by)}</b>`
  }, <time dateTime=${node.ended_at} title=${hover(node.ended_at)}>${when(node.ended_at)}</time></p>
    ${!node.good && node.by && html`<p>${plain(node.why)}</p>`}
    ${
      outputs.length > 0 &&
      html`<section class="values"><h3>Answer</h3><dl>${outputs.map(
        ([name, value]) => html`<div key=${name}><dt>${shown(name)}</dt><dd>${shown(value)}</dd></div>`,
      )}</dl></section>`
    }</div>`;
}

/** The answers to a form in earlier visits of its node. @param {{node: RunNode | undefined}} props */
function Answers({ node }) {
  if (node?.type !== "data" || !node.visits?.length) return null;
  return html`<div class="data"><section class="values"><h3>Earlier answers</h3><dl>${node.visits.map((one) => {
    const answer = one.by ? `${one.good ? "Approved" : "Rejected"} by ${one.by}` : one.why || one.state;
    return html`<div key=${one.visit}><dt>visit ${one.visit}</dt>
      <dd>${plain(answer)}, ${ago(one.ended_at)}</dd></div>`;
  })}</dl></section></div>`;
}
