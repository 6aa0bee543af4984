// A run of a different language that rests after a pass: a button begins the next one.
import { post, seg } from "../api.js";
import { html } from "../html.js";
import { useAction } from "../use.js";
import { Failure } from "./notice.js";

/** Whether a person may begin the next pass of a run. @param {import("../types/api").Detail} run */
export const mayPass = (run) => run.phase === "resting" && !!run.passes;

/** @param {{run: import("../types/api").Detail}} props */
export function Pass({ run }) {
  const { busy, error, run: begin } = useAction(() => post(`runs/${seg(run.key)}/pass`, {}));
  return html`<button onClick=${begin} aria-disabled=${busy}
    title="Its open nodes run again">Run again</button>
    ${error && html`<${Failure} error=${error} />`}`;
}
