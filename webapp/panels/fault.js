// Where a template of a step is wrong: the line with the place marked, why, and what to try.
import { html } from "../html.js";
import { plain } from "../text.js";

/**
 * @typedef {{place: string, what: string, hint: string, template?: string, lines?: number, line?: number,
 *   column?: number, cut?: number}} FaultShape
 */

/** @param {{fault: FaultShape}} props */
export function Fault({ fault }) {
  const { place, what, hint, template, line, lines = 1, column } = fault;
  const at = line ? `, ${lines > 1 ? `line ${line}, ` : ""}column ${column}` : "";
  return html`<div class="fault"><p><code>${plain(place)}</code>${at}: <span>${plain(what)}</span></p>
    ${template !== undefined && html`<pre class="fault-line">${marked(fault)}</pre>`}
    ${hint && html`<p class="faint">${plain(hint)}</p>`}</div>`;
}

/** @param {FaultShape} fault */
function marked({ template = "", line, column = 1, cut = 0 }) {
  const at = column - 1 - cut;
  if (!line || at < 0 || at > template.length) return plain(template);
  const [char = " "] = template.slice(at);
  return html`${cut > 0 && "…"}${plain(template.slice(0, at))}<mark>${plain(char)}</mark>${plain(
    template.slice(at + char.length),
  )}`;
}
