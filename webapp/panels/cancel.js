// Cancel a run, and ask why.
import { useState } from "preact/hooks";
import { post, seg } from "../api.js";
import { flowName } from "../flows.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { Reason } from "./reason.js";

/** @param {{run: import("../types/api").Summary}} props */
export function Cancel({ run }) {
  const [isAsked, ask] = useState(false);
  return html`<button class="is-bad" onClick=${() => ask(true)}>Cancel run</button>
    ${
      isAsked &&
      html`<${Reason} title=${`Cancel ${plain(flowName(run.flow))} ${plain(run.id)}`}
        yes="Cancel the run" no="Let it run"
        act=${(/** @type {string} */ why) => post(`runs/${seg(run.key)}/cancel`, { why })}
        close=${() => ask(false)}>
        <p>Running commands are stopped; later nodes do not start.</p></${Reason}>`
    }`;
}
