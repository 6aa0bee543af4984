// A button that explains its action and asks for confirmation.
import { useRef } from "preact/hooks";
import { html } from "../html.js";
import { useAction } from "../use.js";
import { Failure } from "./notice.js";

let made = 0;

/**
 * @param {{name: string, title: string, yes: string, no: string, isBad?: boolean, act: () => Promise<unknown>,
 *   children?: any}} props
 *   name: of the button; yes, no: of the answers; children: the explanation
 */
export function Confirm({ name, title, yes, no, isBad, act, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useRef("");
  id.current ||= `confirm-${++made}`;
  const { busy, error, run } = useAction(async () => {
    await act();
    dialog.current?.close();
  });
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    void run();
  };
  const kind = isBad ? "is-bad" : "is-main";
  return html`<button class=${isBad ? kind : undefined} onClick=${() => dialog.current?.showModal()}>${name}…</button>
    <dialog ref=${dialog} aria-labelledby=${id.current}>
      <form class="form" onSubmit=${onSubmit}>
        <h2 id=${id.current}>${title}</h2>
        ${children}
        ${error && html`<${Failure} error=${error} />`}
        <div class="form-buttons">
          <button type="submit" class=${kind} aria-disabled=${busy}>${yes}</button>
          <button type="button" onClick=${() => dialog.current?.close()}>${no}</button>
        </div>
      </form>
    </dialog>`;
}
