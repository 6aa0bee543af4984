// The findings of a config or a flow, with position and hint.
import { html } from "../html.js";
import { plain } from "../text.js";

/** @param {{findings?: import("../types/api").Finding[]}} props */
export function Findings({ findings }) {
  if (!findings?.length) return null;
  return html`<ul class="findings">${findings.map(
    (one) => html`<li class=${one.level === "error" ? "is-bad" : "is-asking"}>
        <b>${plain(one.level)}</b> <span>${plain(one.what)}</span>
        <code>${plain(one.file)}:${one.line}:${one.col}</code>
        ${one.hint && html`<span class="faint">${plain(one.hint)}</span>`}
      </li>`,
  )}</ul>`;
}
