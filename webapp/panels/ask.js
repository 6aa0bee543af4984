// The open form of a data node, to approve or reject.
import { post } from "../api.js";
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain } from "../text.js";
import { ago, full, hover, when } from "../time.js";
import { FormPanel } from "./form.js";

/**
 * @param {{run: import("../types/api").Summary, form: import("../types/api").OpenForm, named?: boolean, asOf?: string}}
 *   props  named: show the run's name; asOf: its host is away, and the form is as it was then
 */
export function Ask({ run, form, named, asOf }) {
  /** @param {boolean} good */
  const answer = (good) => (/** @type {Record<string, unknown>} */ values) =>
    post("push/data", {
      ref: { id: run.flow, ver: run.ver },
      run: run.key,
      form: { id: form.node, visit: form.visit, values, good },
    });
  const choices = [
    { name: "Approve", kind: "good", submit: answer(true) },
    { name: "Reject", kind: "bad", submit: answer(false) },
  ];
  return html`<article class="ask">
    <header class="ask-head">
      <h3>${plain(form.title || form.node)}</h3>
      <p class="faint">${
        named &&
        html`<a href=${`${runHref(run.id)}?node=${encodeURIComponent(form.node)}&tab=form`}>
          ${plain(run.flow)} ${plain(run.id)}</a>, `
      }${named && form.title && html`<span class="mono">${plain(form.node)}</span>, `}
        ${(form.visit ?? 1) > 1 && `visit ${form.visit}, `}asked
        ${" "}<time dateTime=${form.asked_at} title=${full(form.asked_at)}>${ago(form.asked_at)}</time></p>
    </header>
    ${
      asOf
        ? html`<p class="behind">As of <time dateTime=${asOf} title=${hover(asOf)}>${when(asOf)}</time>. <b>${plain(
            run.host,
          )}</b> is away: the form can be answered once it is back.</p>`
        : html`<${FormPanel} fields=${form.fields} choices=${choices} />`
    }
  </article>`;
}
