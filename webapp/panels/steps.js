// The nodes of a run as a list, for screen readers, the keyboard and phones.
import { useMemo, useRef } from "preact/hooks";
import { answerOf } from "../answers.js";
import { firstStart } from "../bars.js";
import { classes, html } from "../html.js";
import { useRows } from "../viewport.js";
import { plain, skipOf, typeName } from "../text.js";
import { took } from "../time.js";
import { nodeHref, tabFor } from "./graph.js";
import { attemptText, visitText } from "./visits.js";
import { itemsText } from "./items.js";
import { Mark } from "./mark.js";
import { childOf, shortOf } from "./rerun.js";

/** @typedef {import("../types/api").RunNode} RunNode */

const ROW_PX = 45;

/** @typedef {import("../types/api").GraphNode} GraphNode */

/**
 * @param {{nodes: RunNode[], graph: import("../types/api").Graph, chosen: string, at: string | null,
 *   old: boolean}} props
 *   at: the shown moment, null for now; old: the nodes are shown as they were last known
 */
export function Steps({ nodes, graph, chosen, at, old }) {
  const written = useMemo(() => new Map(graph.nodes.map((one) => [one.id, one])), [graph]);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { first, last, isLong, space } = useRows(
    box,
    nodes.length,
    ROW_PX,
    nodes.findIndex(({ id }) => id === chosen),
  );
  return html`<div class=${classes("steps", isLong && "is-long")} ref=${box}>
    <ol aria-label="Nodes" style=${space}>${nodes.slice(first, last).map(
      (node, place) => html`
        <li key=${node.id} aria-setsize=${isLong ? nodes.length : undefined}
          aria-posinset=${isLong ? first + place + 1 : undefined}>
            <${Step} node=${node} of=${written.get(node.id)} chosen=${chosen === node.id} at=${at}
              old=${old && !node.ended_at} /></li>`,
    )}
  </ol></div>`;
}

/** @param {{node: RunNode, of?: GraphNode, chosen: boolean, at: string | null, old: boolean}} props
 *   of: the node of the flow */
function Step({ node, of, chosen, at, old }) {
  return html`<a class=${classes("step", `is-${node.state}`)} data-replace href=${nodeHref(node, {
    sheet: isPhone() && tabFor(node) === "output" ? "1" : "",
  })}
      aria-current=${chosen ? "true" : undefined} onClick=${reveal}>
    <${Mark} state=${node.state} old=${old} />
    <span class="step-text">
      <span class="step-name">${plain(node.name || node.id)}</span>
      <span class="step-type" title=${answerOf(node)}>${outcome(node, of)}</span>
    </span>
    <span class="step-took">${took(firstStart(node), node.ended_at ?? at)}</span>
  </a>`;
}

/** On a narrow page the output is a sheet over everything. */
const isPhone = () => matchMedia("(max-width: 700px)").matches;

/** In one column the panel is below the list: scroll to it. */
function reveal() {
  if (matchMedia("(max-width: 900px)").matches)
    requestAnimationFrame(() => document.querySelector(".tabs")?.scrollIntoView());
}

/** What became of a node, or how far it is; else its type. @param {RunNode} node @param {GraphNode} [of] */
function outcome(node, of) {
  const answer = answerOf(node);
  const isAgain = ["running", "retrying", "queued"].includes(node.state); // the known data is from the attempt before
  const parts = [
    plain(node.label),
    visitText(node, of),
    itemsText(node),
    attemptText(node, of),
    node.why ? "" : plain(childOf(node)), // a reason names it
    node.status ? `${isAgain ? "after " : ""}exit status ${node.status}` : "",
    answer || skipOf(node) || plain(node.why),
    node.taken_from ? `from ${plain(shortOf(node.taken_from))}` : "",
  ].filter(Boolean);
  if (of?.calls) parts.push(plain(of.calls));
  return parts.join(" · ") || typeName(node.type || node.class);
}
