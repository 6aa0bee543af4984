// A dialog that asks for the reason of an action, and then does it.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { useAction } from "../use.js";
import { Failure } from "./notice.js";

/**
 * @param {{title: string, yes: string, no: string, act: (why: string) => Promise<unknown>, close: () => void,
 *   children?: any}} props  yes, no: of the buttons; children: the explanation
 */
export function Reason({ title, yes, no, act, close, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [why, setWhy] = useState("");
  const { busy, error, run } = useAction(async () => {
    await act(why.trim());
    dialog.current?.close();
  });
  useLayoutEffect(() => dialog.current?.showModal(), []);
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    event.stopPropagation();
    void run();
  };
  return html`<dialog ref=${dialog} aria-labelledby="reason-title" onClose=${close}>
    <form class="form" onSubmit=${onSubmit}>
      <h2 id="reason-title">${title}?</h2>
      ${children}
      <div class="field"><label for="reason">Why (others will read it)</label>
        <input id="reason" type="text" autocomplete="off" maxlength="2000" value=${why}
          onInput=${(/** @type {any} */ event) => setWhy(event.currentTarget.value)} /></div>
      ${error && html`<${Failure} error=${error} />`}
      <div class="form-buttons">
        <button type="submit" class="is-bad" aria-disabled=${busy}>${yes}</button>
        <button type="button" onClick=${() => dialog.current?.close()}>${no}</button>
      </div>
    </form>
  </dialog>`;
}
