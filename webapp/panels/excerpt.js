// What went wrong in a run: the last lines of a failed node, where they are seen at once.
import { seg } from "../api.js";
import { html } from "../html.js";
import { here } from "../route.js";
import { plain, plural } from "../text.js";
import { useLoad } from "../use.js";
import { asItem, isFailed } from "./items.js";
import { failedOf } from "./row.js";

const LINES = 5;
const CHARS_MAX = 400;
// Colours and movements of a terminal; the full output shows them.
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])/g;

/** @typedef {import("../types/api").RunNode} RunNode */

/** The first failed node with an output, or a failed item of one as a node.
 * @param {import("../types/api").Detail} run */
function worst(run) {
  return run.good
    ? undefined
    : failedOf(run)
        .flatMap(partsOf)
        .find(({ node }) => node.output_bytes);
}

/** A failed node, or its failed items. @param {RunNode} node @returns {{node: RunNode, item?: number}[]} */
function partsOf(node) {
  if (!node.items) return [{ node }];
  return (node.item_states ?? []).filter(isFailed).map(({ item }) => ({ node: asItem(node, item), item }));
}

/**
 * The last lines of the failed node of a run; `isHere` once they are known, or there are none.
 * @param {import("../types/api").Detail | null} run
 */
export function useExcerpt(run) {
  const { node, item } = (run && worst(run)) ?? {};
  const of = item === undefined ? "" : `&item=${item}`;
  const { data, error } = useLoad(
    run && node ? `runs/${seg(run.id)}/nodes/${seg(node.id)}/log/lines?from=-${LINES}&count=${LINES}${of}` : "",
    `${node?.visit} ${node?.attempt}`,
  );
  const lines = /** @type {import("../types/api").Lines | null} */ (data);
  return { node, item, lines, isHere: !node || data !== null || error !== null };
}

/**
 * @param {{run: import("../types/api").Detail, node: RunNode, item?: number,
 *   lines: import("../types/api").Lines}} props
 */
export function Excerpt({ run, node, item, lines }) {
  const more = lines.count - lines.lines.length;
  const others = failedOf(run).filter((one) => one.id !== node.id);
  return html`<section class="excerpt" aria-label=${`The end of the output of ${plain(node.name)}`}>
    <pre tabindex="0">${lines.lines.map(({ text }) => lineOf(text)).join("\n")}</pre>
    <p><a data-replace href=${linkOf(node, item)}>Output of ${plain(node.name)}</a>${
      more > 0 && html`<span class="faint">, ${plural(more, "line")} before these</span>`
    }${others.map(
      (one) => html`<span key=${one.id}>, <a data-replace href=${linkOf(one)}>${plain(one.name)}</a></span>`,
    )}</p>
  </section>`;
}

/** @param {RunNode} node @param {number} [item] */
const linkOf = (node, item) =>
  here({
    node: node.id,
    item: item === undefined ? "" : String(item),
    visit: "",
    attempt: "",
    line: "",
    tab: "output",
  });

/** A line as it was left on the screen: of a progress bar its last state. @param {string} text */
function lineOf(text) {
  const last = text.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return plain(last.replace(ESCAPES, "").slice(0, CHARS_MAX));
}
