// Cancel a run after a confirmation.
import { useRef, useState } from "preact/hooks";
import { post, seg } from "../api.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { useAction } from "../use.js";
import { Failure } from "./notice.js";

/** @param {{run: import("../types/api").Summary}} props */
export function Cancel({ run }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [why, setWhy] = useState("");
  const {
    busy,
    error,
    run: cancel,
  } = useAction(async () => {
    await post(`runs/${seg(run.key)}/cancel`, { why });
    dialog.current?.close();
  });
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    void cancel();
  };
  return html`<button class="is-bad" onClick=${() => dialog.current?.showModal()}>Cancel run</button>
    <dialog ref=${dialog} aria-labelledby="cancel-title">
      <form class="form" onSubmit=${onSubmit}>
        <h2 id="cancel-title">Cancel ${plain(run.flow)} ${plain(run.id)}?</h2>
        <p>Running commands are stopped; later nodes do not start.</p>
        <div class="field"><label for="cancel-why">Why (others will read it)</label>
          <input id="cancel-why" type="text" autocomplete="off" value=${why} onInput=${(/** @type {any} */ event) =>
            setWhy(event.currentTarget.value)} /></div>
        ${error && html`<${Failure} error=${error} />`}
        <div class="form-buttons">
          <button type="submit" class="is-bad" aria-disabled=${busy}>Cancel the run</button>
          <button type="button" onClick=${() => dialog.current?.close()}>Let it run</button>
        </div>
      </form>
    </dialog>`;
}
