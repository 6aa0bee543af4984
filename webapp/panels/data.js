// Inputs and outputs of a node; without a node, the start values of the run.
import { seg } from "../api.js";
import { html } from "../html.js";
import { exact } from "../time.js";
import { useLoad } from "../use.js";
import { shown } from "../values.js";
import { Failure, Loading } from "./notice.js";
import { Visits, visitOf, visitShown } from "./visits.js";

/**
 * @param {{run: import("../types/api").Detail, node?: import("../types/api").RunNode, seq: number}} props  seq: the
 *   shown moment, 0 for now
 */
export function DataPanel({ run, node, seq }) {
  return node
    ? html`<${NodeData} run=${run.id} node=${node} seq=${seq} calls=${callsOf(run, node)} />`
    : html`<div class="data">
        <${Values} title="Started with" values=${run.values} none="No values" all />
        ${hasOutputs(run) && html`<${Values} title="Came to" values=${run.outputs} none="" all />`}
        <${Values} title="Run"
          values=${{
            trigger: run.trigger,
            by: run.by,
            workspace: run.workspace,
            adopted_by: run.adopted_by,
            epoch: run.epoch,
          }} none="" />
      </div>`;
}

/** Whether a run came to something; an older host sends no outputs. @param {import("../types/api").Detail} run */
const hasOutputs = ({ outputs }) => Object.keys(outputs ?? {}).length > 0;

/**
 * The addresses at which a node waits for answers, by what they are for; an older host sends none.
 * @param {import("../types/api").Detail} run @param {import("../types/api").RunNode} node
 */
const callsOf = ({ callbacks }, { id }) =>
  Object.fromEntries(
    (callbacks ?? [])
      .filter((call) => call.node === id)
      .map(({ item, url }) => [item === null ? "address" : `item ${item}`, url || "not known to this host now"]),
  );

/** @param {{run: string, node: import("../types/api").RunNode, seq: number, calls: Record<string, string>}} props */
function NodeData({ run, node, seq, calls }) {
  const { data, error, again } = useLoad(
    `runs/${seg(run)}/nodes/${seg(node.id)}${seq ? `?seq=${seq}` : ""}`,
    `${node.state} ${node.visit} ${node.attempt}`,
  );
  const detail = /** @type {import("../types/api").NodeDetail | null} */ (data);
  if (error && !detail) return html`<${Failure} error=${error} again=${again} />`;
  if (!detail) return html`<${Loading} what="data" />`;
  const visit = visitShown(node);
  const shown = visitOf(node, visit);
  const isLatest = shown === node;
  const times = Object.fromEntries(
    [
      ["entered", shown.entered_at],
      ["queued", shown.queued_at],
      ["started", shown.started_at],
      ["asked", shown.asked_at],
      ["due", shown.due],
      ["ended", shown.ended_at],
    ]
      .filter(([, at]) => at)
      .map(([name, at]) => [name, exact(at)]),
  );
  return html`<div class="data">
    <div><${Visits} node=${node} visit=${visit} /></div>
    ${
      isLatest && html`<${Values} title="In" values=${detail.inputs} from=${detail.inputs_from} none="No inputs" all />`
    }
    ${isLatest && !seq && html`<${Values} title="Callback" values=${calls} none="" />`}
    <${Values} title="Out" values=${isLatest ? detail.outputs : shown.outputs} none="No outputs" all />
    ${isLatest && html`<${Values} title="Work" values=${readable(detail.work)} none="" />`}
    <${Values} title="Times" values=${times} none="" />
  </div>`;
}

/**
 * @param {{title: string, values?: Record<string, unknown>, from?: Record<string, string>, none: string,
 *   all?: boolean}} props  from: the node that gave each value; all: show empty values too
 */
function Values({ title, values, from = {}, none, all = false }) {
  const entries = Object.entries(values ?? {}).filter(
    ([, value]) => all || (value !== null && value !== "" && value !== undefined),
  );
  if (!entries.length && !none) return null;
  return html`<section class="values"><h3>${title}</h3>
    ${
      entries.length
        ? html`<dl>${entries.map(
            ([key, value]) =>
              html`<div key=${key}><dt>${shown(key)}</dt>
                <dd class=${value === "" && "faint"}>
                  ${value === "" ? "empty" : shown(value)}${Object.hasOwn(from, key) && giver(from[key])}
                </dd></div>`,
          )}</dl>`
        : html`<p class="faint">${none}</p>`
    }
  </section>`;
}

/**
 * The work of a node with lists of headers, outputs and files as lines, and with secrets that are named as such.
 * @param {Record<string, any>} work
 */
function readable({ headers, auth, outputs, upload, download, ...work }) {
  if (work.type === "flyte.action") return actionOf(work);
  return {
    ...work,
    headers: lines(headers, ({ name, secret, value }) => `${name}: ${secret ? `secret ${secret}` : value}`),
    auth: auth && (auth.bearer ? `bearer: secret ${auth.bearer}` : `${auth.user}: secret ${auth.password}`),
    outputs: lines(outputs, ({ id, value }) => `${id}: ${value}`),
    upload: lines(upload, ({ from, to }) => `${from} → ${to}`),
    download: lines(download, ({ from, to }) => `${from} → ${to}`),
  };
}

/** What a pack gets of a step of flyte. @param {Record<string, any>} work */
const actionOf = ({ queue, name, labels, config }) => ({
  pack: queue.replace(/^flyte:/, ""),
  command: name,
  labels: lines(labels, (one) => one),
  ...config,
});

/** @param {any} list  anything else is left as it is @param {(one: any) => string} text */
const lines = (list, text) => (Array.isArray(list) ? list.map(text).join("\n") : list);

/** The node that gave a value. @param {string} node */
const giver = (node) => html`<span class="giver">from ${node}</span>`;
