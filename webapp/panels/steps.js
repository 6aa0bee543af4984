// The nodes of a run as a list: the graph for reading, for the keyboard and for phones.
import { classes, html } from "../html.js";
import { here } from "../route.js";
import { plain } from "../text.js";
import { took } from "../time.js";
import { tabFor } from "./graph.js";
import { Mark } from "./mark.js";

/** @param {{nodes: import("../types/api").RunNode[], chosen: string, at: string | null}} props  at: the moment that is shown, null for now */
export function Steps({ nodes, chosen, at }) {
  const inSheet = isPhone();
  return html`<ol class="steps" aria-label="Nodes">${nodes.filter((node) => node.class !== "trigger").map((node) => html`
    <li key=${node.id}>
      <a class=${classes("step", `is-${node.state}`)} data-replace href=${here({ node: node.id, attempt: "", line: "", tab: tabFor(node), sheet: inSheet && tabFor(node) === "output" ? "1" : "" })}
        aria-current=${chosen === node.id ? "true" : undefined} onClick=${reveal}>
        <${Mark} state=${node.state} />
        <span class="step-text">
          <span class="step-name">${plain(node.name || node.id)}</span>
          <span class="step-type">${plain(node.type || node.class)}${outcome(node)}</span>
        </span>
        <span class="step-took">${node.started_at ? took(node.started_at, node.ended_at ?? at) : ""}</span>
      </a>
    </li>`)}
  </ol>`;
}

/** There the output is a sheet over everything. */
const isPhone = () => matchMedia("(max-width: 700px)").matches;

/** In one column the panel is below the list: show what was asked for. */
function reveal() {
  if (matchMedia("(max-width: 900px)").matches) requestAnimationFrame(() => document.querySelector(".tabs")?.scrollIntoView());
}

/** @param {import("../types/api").RunNode} node */
function outcome(node) {
  const parts = [];
  if ((node.attempt ?? 1) > 1) parts.push(`attempt ${node.attempt}`);
  if (node.status) parts.push(`status ${node.status}`);
  if (node.why && !node.good) parts.push(plain(node.why));
  return parts.map((part) => ` · ${part}`).join("");
}
