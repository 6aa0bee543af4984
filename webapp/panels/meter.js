// The used share of something, in words and as a bar.
import { html } from "../html.js";

/**
 * @param {{name: string, most: number, used: number, note?: string, children?: any}} props  children: the amount in
 *   words; used may exceed most
 */
export function Meter({ name, most, used, note, children }) {
  return html`<div class=${used > most ? "meter is-over" : "meter"}><div class="meter-text"><span>${children}</span>${
    note && html`<span class="faint">${note}</span>`
  }</div>
    <progress max=${Math.max(most, 1)} value=${Math.min(used, most)} aria-label=${name}></progress></div>`;
}
