// The child runs of a node, live, as rows that open their pages.
import { html } from "../html.js";
import { here, runHref } from "../route.js";
import { plain } from "../text.js";
import { useRun } from "../use.js";
import { chosenItem, Items } from "./items.js";
import { Empty } from "./notice.js";
import { LiveRow, Row } from "./row.js";

/** Of more child runs the newest are shown. */
const SHOWN_MAX = 50;

/** @param {{run: import("../types/api").Detail, node: import("../types/api").RunNode}} props */
export function ChildRuns({ run, node }) {
  const item = node.items ? chosenItem(node) : null;
  const list = run.children.filter((one) => one.node === node.id && one.item === item);
  return html`${item !== null && html`<${Items} node=${node} item=${item} />`}${
    list.length
      ? html`<ul class="rows" aria-label="Child runs">${list
          .slice(-SHOWN_MAX)
          .map((one) => html`<${ChildRun} key=${one.run} id=${one.run} />`)}</ul>`
      : html`<${Empty} title="It has no child run"><p>
          <a data-replace href=${here({ tab: "why" })}>Why?</a></p></${Empty}>`
  }`;
}

/** @param {{id: string}} props */
function ChildRun({ id }) {
  const { data } = useRun(id);
  if (!data) return html`<li class="row"><span></span><a class="row-name" href=${runHref(id)}>${plain(id)}</a></li>`;
  return html`<${data.state === "active" ? LiveRow : Row} run=${data} depth=${1} />`;
}
