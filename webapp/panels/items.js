// The items of a node: how many are done, and one square for each, which chooses its output.
import { useMemo } from "preact/hooks";
import { classes, html } from "../html.js";
import { here, route } from "../route.js";
import { plain } from "../text.js";
import { Mark, stateName } from "./mark.js";

/** @typedef {import("../types/api").RunNode} RunNode */
/** @typedef {import("../types/schemas").ItemState} ItemState */

/** With more items a square has no label. */
const LABELLED_MAX = 60;

/** How far the items of a node are: `2 of 3 done, 1 failed`; empty without items. @param {RunNode} node */
export function itemsText({ items, item_states: states = [] }) {
  if (!items) return "";
  const over = states.filter(({ state }) => isOver(state));
  const failed = over.filter(({ state }) => state !== "good").length;
  return `${over.length} of ${items.length} done${failed ? `, ${failed} failed` : ""}`;
}

/** The item of the URL, or else the most interesting one. @param {RunNode} node */
export function chosenItem({ item_states: states = [] }) {
  const asked = Number.parseInt(route.value.query.get("item") ?? "", 10);
  if (asked >= 0) return asked;
  const first = (/** @type {string[]} */ ...names) => states.find(({ state }) => names.includes(state));
  return (first("bad", "error") ?? first("running", "retrying") ?? states.at(-1))?.item ?? 0;
}

/** A node as one of its items is, for the panels of a node that runs once.
 * @param {RunNode} node @param {number} item @returns {RunNode} */
export function asItem(node, item) {
  const found = node.item_states?.find((one) => one.item === item);
  const name = `${node.name || node.id}[${item}]`;
  const none = { attempt: 1, attempts: [], started_at: null, ended_at: null, visits: [], outputs: {} };
  return { ...node, ...none, items: undefined, item_states: undefined, name, ...(found ?? { state: "waiting" }) };
}

/** @param {{node: RunNode, item: number}} props  item: the chosen one */
export function Items({ node, item }) {
  const { items = [], item_states: states } = node;
  const byItem = useMemo(() => new Map(states?.map((one) => [one.item, one])), [states]);
  const isLabelled = items.length <= LABELLED_MAX;
  return html`<div class="items"><p class="items-done">${itemsText(node)}</p>
    <ol class=${classes("items-all", isLabelled && "is-labelled")} aria-label="Items">${items.map((label, at) => {
      const one = byItem.get(at);
      const state = one?.state ?? "waiting";
      const title = [`${at}: ${plain(label)}, ${stateName(state)}`, plain(one?.why)].filter(Boolean).join(": ");
      return html`<li key=${at}><a class=${classes("item", `is-${state}`)} data-replace title=${title}
        aria-label=${title} aria-current=${at === item ? "true" : undefined}
        href=${here({ node: node.id, item: String(at), attempt: "", line: "", tab: "output" })}>${
          isLabelled && html`<${Mark} state=${state} /><span>${plain(label)}</span>`
        }</a></li>`;
    })}</ol></div>`;
}

/** @param {string} state */
const isOver = (state) => ["good", "bad", "error", "stopped"].includes(state);
