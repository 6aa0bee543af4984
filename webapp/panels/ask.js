// The open form of a data node, to approve or reject, beside what it is about.
import { useState } from "preact/hooks";
import { post } from "../api.js";
import { html } from "../html.js";
import { runHref } from "../route.js";
import { me } from "../state.js";
import { plain } from "../text.js";
import { ago, full, hover, when } from "../time.js";
import { FormPanel } from "./form.js";
import { Mark } from "./mark.js";
import { Reason } from "./reason.js";

/** @typedef {import("../types/api").Summary} Summary */
/** @typedef {import("../types/api").OpenForm} OpenForm */
/** @typedef {import("../types/api").ShownValue} Shown */

/**
 * @param {{run: Summary, form: OpenForm, about: Shown[], asOf?: string}} props
 *   about: values of the run, as short texts; asOf: its host is away, and the form is as it was then
 */
export function Ask({ run, form, about, asOf }) {
  return html`<article class="ask">
    <header class="ask-head">
      <h3>${plain(form.title || form.node)}</h3>
      <p class="faint">${(form.visit ?? 1) > 1 && `visit ${form.visit}, `}asked
        ${" "}<time dateTime=${form.asked_at} title=${full(form.asked_at)}>${ago(form.asked_at)}</time></p>
    </header>
    <${Body} run=${run} form=${form} about=${about} asOf=${asOf} />
  </article>`;
}

/**
 * The same in a list: a row that opens.
 * @param {Parameters<typeof Ask>[0] & {flow: string, open: boolean}} props  flow: its name; open: from the start
 */
export function AskRow({ run, form, about, asOf, flow, open }) {
  const [isOpen, setOpen] = useState(open);
  return html`<details class="ask is-row" open=${isOpen} onToggle=${(/** @type {any} */ event) =>
    setOpen(event.currentTarget.open)}>
    <summary>
      <${Mark} state="asking" />
      <span class="ask-what"><b>${plain(form.title || form.node)}</b> <span>${plain(run.title)}</span></span>
      <span class="ask-where">${plain(flow)} <span class="id">${plain(run.id)}</span></span>
      <time class="row-at" dateTime=${form.asked_at} title=${full(form.asked_at)}>${ago(form.asked_at)}</time>
    </summary>
    ${isOpen && html`<${Body} run=${run} form=${form} about=${about} asOf=${asOf} flow=${flow} />`}
  </details>`;
}

/** @param {Parameters<typeof Ask>[0] & {flow?: string}} props */
function Body({ run, form, about, asOf, flow }) {
  return html`<div class="ask-body">
    <div>
      ${form.text && html`<p class="ask-text">${plain(form.text)}</p>`}
      ${
        asOf
          ? html`<p class="behind">As of <time dateTime=${asOf} title=${hover(asOf)}>${when(asOf)}</time>. <b>${plain(
              run.host,
            )}</b> is away: the form can be answered once it is back.</p>`
          : html`<${Answer} run=${run} form=${form} />`
      }
    </div>
    <${About} run=${run} form=${form} about=${about} flow=${flow} />
  </div>`;
}

/** @param {{run: Summary, form: OpenForm}} props */
function Answer({ run, form }) {
  const [rejected, reject] = useState(/** @type {Record<string, unknown> | null} */ (null));
  /** @param {object} answer */
  const send = (answer) =>
    post("push/data", {
      ref: { id: run.flow, ver: run.ver },
      run: run.key,
      form: { id: form.node, visit: form.visit, ...answer },
    });
  const isStarter = form.approvers === "not-starter" && run.by === me.value;
  return html`<${FormPanel} fields=${form.fields}
      refused=${isStarter && "You started this run, so a different person has to answer."} choices=${[
        {
          name: "Approve",
          kind: "good",
          submit: (/** @type {Record<string, unknown>} */ values) => send({ values, good: true }),
        },
        { name: "Reject…", kind: "bad", submit: async (/** @type {any} */ values) => reject(values) },
      ]} />
    ${
      rejected &&
      html`<${Reason} title=${`Reject ${plain(form.title || form.node)}`} yes="Reject" no="Back to the form"
        act=${(/** @type {string} */ why) => send({ values: rejected, good: false, ...(why && { why }) })}
        close=${() => reject(null)}>
        <p>The run continues as its flow defines for a rejection; without such a node it ends.</p>
      </${Reason}>`
    }`;
}

/** What is decided on: the run, its values, and the output before the form. @param {any} props */
function About({ run, form, about, flow }) {
  const to = runHref(run.id);
  const before = form.before ?? []; // of a host with an earlier floe
  return html`<div class="ask-about">
    <dl>${(about ?? []).map(
      (/** @type {Shown} */ { name, text }) => html`<div key=${name}><dt>${plain(name)}</dt>
        <dd>${plain(text)}</dd></div>`,
    )}
      <div><dt>started by</dt><dd>${plain(run.by)}</dd></div></dl>
    ${
      before.length > 0 &&
      html`<p>Output of ${before.map(
        (/** @type {{id: string, name: string}} */ node, /** @type {number} */ at) => html`${at > 0 && ", "}
          <a key=${node.id} href=${`${to}?node=${encodeURIComponent(node.id)}&tab=output`}>${plain(node.name)}</a>`,
      )}</p>`
    }
    ${
      flow &&
      html`<p><a href=${`${to}?node=${encodeURIComponent(form.node)}&tab=form`}>${plain(flow)} ${plain(run.id)}</a></p>`
    }
  </div>`;
}
