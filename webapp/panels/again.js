// Start a run again: the choice of what runs, its values, and what will happen.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Problem, post, seg } from "../api.js";
import { flowName } from "../flows.js";
import { html } from "../html.js";
import { go, here, runHref } from "../route.js";
import { plain } from "../text.js";
import { useLoad } from "../use.js";
import { read, textOf } from "../values.js";
import { FormPanel } from "./form.js";
import { Failure, Loading } from "./notice.js";

/** @typedef {import("../types/api").Detail} Detail */
/** @typedef {import("../types/api").Field} Field */
/** @typedef {import("../types/api").FlowDetail} FlowDetail */
/** @typedef {import("../types/api").RerunPlan} Plan */

/** Nodes that a line of the plan names. */
const NAMED_MAX = 12;

/** @param {{run: Detail, from: string}} props  from: `all`, `failed`, or the reference of a node */
export function Again({ run, from }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const nodes = run.nodes.filter(({ entered_at }) => entered_at);
  const [what, setWhat] = useState(from);
  const isNode = what !== "all" && what !== "failed";
  const node = useRef(nodes.find(({ id }) => run.failed.includes(id))?.ref ?? nodes[0]?.ref);
  if (isNode) node.current = what;
  const [isLatest, setLatest] = useState(false);
  const [isSameHost, setSameHost] = useState(false);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const [edited, setEdited] = useState("");
  const choice = { ...(isNode ? { from: what } : what === "failed" ? { failed: true } : {}), latest: isLatest };
  const query = Object.entries({ ...choice, edited: edited !== "" }).map(
    ([key, value]) => `${key}=${seg(String(value))}`,
  );
  const plan = /** @type {import("../use.js").Loaded<Plan>} */ (
    useLoad(`runs/${seg(run.key)}/rerun?${query.join("&")}`)
  );
  const loaded = useLoad(`flows/${seg(run.flow)}${isLatest ? "" : `@${run.ver}`}`);
  // While the latest one loads, the form stays with what was typed.
  const known = useRef(/** @type {FlowDetail | null} */ (null));
  known.current = /** @type {FlowDetail | null} */ (loaded.data) ?? known.current;
  const flow = known.current;
  const trigger = flow?.triggers.find(({ id }) => id === run.trigger);
  const form = trigger?.type === "data" ? (trigger.form?.fields ?? []) : null;
  const host = plan.data?.workspace.host ?? null;
  // The node cannot start there: the reason belongs beside the choice of the node.
  const refusal = isNode && [404, 409].includes(plan.error?.status ?? 0) ? plan.error : null;

  /** @param {Record<string, unknown>} values */
  const start = async (values) => {
    const { run: started } = await post(`runs/${seg(run.key)}/rerun`, {
      ...choice,
      values: editedOf(run.values, values, form !== null),
      same_host: isSameHost && host !== null,
    });
    go(here({ again: "" }), { replace: true });
    go(runHref(started));
  };
  return html`<dialog class="again" ref=${dialog} aria-labelledby="again-title"
      onClose=${() => go(here({ again: "" }), { replace: true })}>
    <h2 id="again-title">Start ${plain(flowName(run.flow))} ${plain(run.id)} again</h2>
    <fieldset><legend>What runs</legend>
      <${Option} name="Everything" isOn=${what === "all"} choose=${() => setWhat("all")} />
      ${
        !run.good &&
        html`<${Option} name="What failed, and all nodes after it" isOn=${what === "failed"}
          choose=${() => setWhat("failed")} />`
      }
      ${
        nodes.length > 0 &&
        html`<${Option} name="A node, and all nodes after it" isOn=${isNode} choose=${() => setWhat(node.current)} />`
      }
      ${
        isNode &&
        html`<div class="field again-node"><select aria-label="From the node" value=${what}
          aria-invalid=${refusal ? "true" : undefined} aria-describedby=${refusal ? "again-refusal" : undefined}
          onChange=${(/** @type {any} */ event) => setWhat(event.currentTarget.value)}>${nodes.map(
            ({ ref, id, name }) => html`<option key=${ref} value=${ref}>${plain(name || id)}</option>`,
          )}</select>${
            refusal &&
            html`<p class="field-message" id="again-refusal" role="alert">${plain(refusal.message)}${
              refusal.hint && html`<br />${plain(refusal.hint)}`
            }</p>`
          }</div>`
      }
    </fieldset>
    <fieldset><legend>How</legend>
      <${Tick} name="By the latest version of the flow" isOn=${isLatest} set=${setLatest} />
      ${
        host &&
        html`<${Tick} name=${`Only on ${plain(host)}, the host with its workspace`} isOn=${isSameHost}
          set=${setSameHost} />`
      }
    </fieldset>
    ${
      flow || loaded.error
        ? html`<${FormPanel} key=${flow?.ver} fields=${fieldsOf(run.values, form)} cancel=${() =>
            dialog.current?.close()}
          changed=${(/** @type {Record<string, unknown>} */ values) =>
            setEdited(namesOf(differing(run.values, values)))}
          choices=${[{ name: "Start again", kind: "main", submit: start }]}>
            <${PlanText} run=${run} plan=${plan} edited=${edited} isPart=${what === "failed"}
              isShared=${flow?.reuse_space ?? false}
              isRefused=${refusal !== null} /></${FormPanel}>`
        : html`<${Loading} what="the form" />`
    }
  </dialog>`;
}

/** @param {{name: string, isOn: boolean, choose: () => void}} props */
function Option({ name, isOn, choose }) {
  return html`<label><input type="radio" name="again" checked=${isOn} autofocus=${isOn} onChange=${choose} />
    ${name}</label>`;
}

/** @param {{name: string, isOn: boolean, set: (isOn: boolean) => void}} props */
function Tick({ name, isOn, set }) {
  return html`<label><input type="checkbox" checked=${isOn} onChange=${(/** @type {any} */ event) =>
    set(event.currentTarget.checked)} /> ${name}</label>`;
}

/**
 * @param {{run: Detail, plan: {data: Plan | null, error: Problem | null}, edited: string, isPart: boolean,
 *   isShared: boolean, isRefused: boolean}} props  edited: the names of edited values; isPart: the good items are
 *   taken over; isShared: all runs of the flow use one workspace;
 *   isRefused: the error is shown at its field
 */
function PlanText({ run, plan, edited, isPart, isShared, isRefused }) {
  const { data, error } = plan;
  const names = new Map(
    run.nodes.map((node) => [node.ref, `${node.name || node.id}${isPart && !edited ? itemsAgain(node) : ""}`]),
  );
  /** @param {string} name @param {string[]} refs */
  const line = (name, refs) =>
    refs.length > 0 &&
    html`<div><dt>${name} <span class="count">${refs.length}</span></dt><dd>${plain(
      refs
        .slice(0, NAMED_MAX)
        .map((ref) => names.get(ref) ?? ref)
        .join(", "),
    )}${refs.length > NAMED_MAX && ` and ${refs.length - NAMED_MAX} more`}</dd></div>`;
  return html`<section class="again-plan" aria-label="What will happen" aria-live="polite">${
    data
      ? html`<dl>${line("Runs again", data.again)}${line("May run", data.new)}${line("Taken over", data.taken)}
          ${
            data.children.length > 0 &&
            html`<div><dt>Children <span class="count">${data.children.length + data.more_children}</span></dt>
              <dd>${childLines(data.children, names).map((text) => html`<div key=${text}>${plain(text)}</div>`)}
              ${data.more_children > 0 && html`<div>and ${data.more_children} more</div>`}</dd></div>`
          }
          ${
            edited &&
            data.taken.length > 0 &&
            html`<div class="is-bad"><dt>Edited</dt><dd>${plain(edited)}: the nodes taken over keep the results
              of the earlier value. Choose Everything, or an earlier node, to use the new one there.</dd></div>`
          }
          <div><dt>Workspace</dt><dd>${
            isShared
              ? "the one that all runs of this flow share"
              : data.workspace.host
                ? `moved from ${plain(run.id)} if it starts on ${plain(data.workspace.host)}, else empty`
                : `empty: ${plain(data.workspace.why_empty)}`
          }</dd></div></dl>`
      : error
        ? !isRefused && html`<${Reason} error=${error} />`
        : html`<${Loading} what="what will happen" />`
  }</section>`;
}

/** What becomes of failed child runs, and of the failed children of those.
 * @param {Plan["children"]} children @param {Map<string, string>} names  of nodes @returns {string[]} */
const childLines = (children, names) =>
  children.flatMap(({ run, node, item, taken, why_new: why, children: below }) => {
    const of = `${run} of ${names.get(node) ?? node}${item === null ? "" : ` [${item}]`}`;
    const what = why
      ? `a new child starts instead, since ${why}`
      : `starts again; taken over: ${taken.join(", ") || "nothing"}`;
    return [`${of}: ${what}`, ...childLines(below, new Map())];
  });

/** How many items of a node run again, if the good ones are taken over; empty without items.
 * @param {import("../types/api").RunNode} node */
function itemsAgain({ items, item_states: states = [], good }) {
  if (!items || good) return "";
  return ` (${items.length - states.filter(({ state }) => state === "good").length} of ${items.length} items)`;
}

/** Why nothing can be planned: for example the latest form requires a value. @param {{error: Problem}} props */
function Reason({ error }) {
  const fields = Object.entries(error.fields);
  if (!fields.length) return html`<${Failure} error=${error} />`;
  return html`<p class="field-message">${plain(error.message)}</p>
    ${fields.map(([id, why]) => html`<p key=${id} class="field-message">${plain(id)}: ${plain(why)}</p>`)}`;
}

/**
 * The form of the trigger with the values of the run; without a form, one field for each value.
 * @param {Record<string, unknown>} values
 * @param {Field[] | null} form
 * @returns {Field[]}
 */
function fieldsOf(values, form) {
  if (form)
    return form.map((field) => (Object.hasOwn(values, field.id) ? { ...field, value: values[field.id] } : field));
  return Object.entries(values).map(([id, value]) => ({
    id,
    prompt: id,
    type: typeof value === "boolean" ? "bool" : textOf(value).includes("\n") ? "text" : "string",
    value,
    required: true,
    choices: [],
    pattern: "",
  }));
}

/**
 * The values that differ from those of the run. A form reads texts; without one, what was no text is read as JSON.
 * @param {Record<string, unknown>} old
 * @param {Record<string, unknown>} values
 * @param {boolean} hasForm
 */
function editedOf(old, values, hasForm) {
  const edited = differing(old, values);
  if (hasForm) return Object.fromEntries(edited);
  return Object.fromEntries(
    edited.map(([id, value]) => [
      id,
      typeof was(old, id) === "string" || typeof value !== "string" ? value : json(id, value),
    ]),
  );
}

/**
 * The values that are not those of the run.
 * @param {Record<string, unknown>} old
 * @param {Record<string, unknown>} values
 */
const differing = (old, values) =>
  Object.entries(values).filter(([id, value]) => textOf(value) !== (textOf(was(old, id)) ?? ""));

/** @param {Record<string, unknown>} old @param {string} id */
const was = (old, id) => (Object.hasOwn(old, id) ? old[id] : undefined);

/** @param {[string, unknown][]} values */
const namesOf = (values) => values.map(([id]) => id).join(", ");

/** @param {string} id @param {string} text */
function json(id, text) {
  try {
    return read(`{"value": ${text}}`).value;
  } catch {
    throw new Problem(422, { detail: "Some values cannot be sent.", fields: { [id]: "is no JSON, as it was before" } });
  }
}
