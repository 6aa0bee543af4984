// What a person may do to a run of a different language, and what its state means.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { post, seg } from "../api.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { useAction, useLoad } from "../use.js";
import { FormPanel } from "./form.js";
import { Failure } from "./notice.js";

/** @typedef {import("../types/api").Detail} Detail */
/** @typedef {import("../types/api").Acts["acts"][number]} Act */

/** Acts that a person has to confirm, for they cannot be undone. */
const FINAL = ["wontfix", "restart"];

/** @param {{run: Detail}} props */
export function Acts({ run }) {
  const version = run.phase === "resting" ? run.seq : `${run.phase} ${run.passes}`;
  const { data, again } = useLoad(`runs/${seg(run.key)}/acts`, version);
  const [asked, ask] = useState("");
  const { acts = [], hint = "" } = /** @type {Partial<import("../types/api").Acts>} */ (data ?? {});
  const chosen = acts.find(({ id }) => id === asked);
  const last = useRef("");
  const act = async (/** @type {string} */ id, /** @type {object} */ body = {}) => {
    await post(`runs/${seg(run.key)}/acts/${seg(id)}`, body);
    again(); // a pause in a pass changes no state yet
  };
  const { busy, error, run: begin } = useAction(() => act(last.current));
  /** @param {Act} one */
  const choose = (one) => {
    last.current = one.id;
    if (one.form || FINAL.includes(one.id)) ask(one.id);
    else void begin();
  };
  if (!hint && !acts.length) return null;
  return html`<div class="acts" role="group" aria-label="The task">
    ${hint && html`<p>${plain(hint)}</p>`}
    ${acts.map(
      (one) => html`<button key=${one.id} title=${plain(one.why)} aria-disabled=${busy}
        class=${one.id === "resolve" ? "is-main" : undefined}
        onClick=${() => choose(one)}>${plain(one.name)}${(one.form || FINAL.includes(one.id)) && "…"}</button>`,
    )}
    ${error && html`<${Failure} error=${error} />`}
    ${
      chosen &&
      html`<${ActDialog} key=${chosen.id} act=${chosen} submit=${(/** @type {object} */ values) =>
        act(chosen.id, chosen.form ? { values } : {})} close=${() => ask("")} />`
    }
  </div>`;
}

/** @param {{act: Act, submit: (values: Record<string, unknown>) => Promise<unknown>, close: () => void}} props */
function ActDialog({ act, submit, close }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const send = async (/** @type {Record<string, unknown>} */ values) => {
    await submit(values);
    dialog.current?.close();
  };
  return html`<dialog ref=${dialog} aria-labelledby="act-title" onClose=${close}>
    <h2 id="act-title">${plain(act.name)}</h2>
    <p>${plain(act.why)}</p>
    <${FormPanel} fields=${act.form?.fields ?? []} cancel=${() => dialog.current?.close()}
      choices=${[{ name: plain(act.name), kind: act.id === "wontfix" ? "bad" : "main", submit: send }]} />
  </dialog>`;
}
