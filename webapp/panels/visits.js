// The visits of a node that entered more than once: the shown one, and links to the others.
import { html } from "../html.js";
import { here, route } from "../route.js";

/** @typedef {import("../types/api").RunNode} RunNode */

/** The visit in the URL, or the latest. @param {RunNode} node */
export const visitShown = (node) => Number(route.value.query.get("visit")) || node.visit || 1;

/** One visit of a node, or its latest. @param {RunNode} node @param {number} visit */
export const visitOf = (node, visit) => node.visits?.find((one) => one.visit === visit) ?? node;

/** How often a node has entered: `visit 2 of 3`; empty for the first visit.
 * @param {RunNode} node @param {import("../types/api").GraphNode} [of]  the node of the flow */
export function visitText({ visit = 1 }, of) {
  if (visit < 2) return "";
  return of?.loop_max && visit <= of.loop_max ? `visit ${visit} of ${of.loop_max}` : `visit ${visit}`;
}

/** @param {{node: RunNode, visit: number}} props  visit: the shown one */
export function Visits({ node, visit }) {
  const latest = node.visit ?? 1;
  if (latest < 2) return null;
  return html`<span class="attempts" role="group" aria-label="Visits">${Array.from(
    { length: latest },
    (_, at) => at + 1,
  ).map(
    (one) => html`
      <a key=${one} data-replace href=${here({ visit: String(one), attempt: "", line: "" })}
        aria-current=${one === visit ? "true" : undefined}>visit ${one}</a>`,
  )}
  </span>`;
}
