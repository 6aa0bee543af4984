// The items of a node: how many are in which state, and one square or name for each, which chooses its output.
// One stop of the tab key; the arrow keys move inside it.
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { classes, html } from "../html.js";
import { go, here, route } from "../route.js";
import { plain } from "../text.js";
import { took } from "../time.js";
import { Mark, stateName } from "./mark.js";

/** @typedef {import("../types/api").RunNode} RunNode */
/** @typedef {import("../types/schemas").ItemState} ItemState */
/** @typedef {{item: number, label: string, state: string, why: string}} Item */

/** Of more items each is a square without a name. */
const NAMED_MAX = 60;
/** Fewer items need no filter. */
const FILTERED_MIN = 12;

/** The states that a filter names as one. @type {[string, string[]][]} */
const GROUPS = [
  ["failed", ["bad", "error"]],
  ["running", ["running", "retrying", "queued"]],
  ["good", ["good"]],
  ["stopped", ["stopped"]],
  ["waiting", ["waiting"]],
  ["never ran", ["never"]],
];

/** How far the items of a node are: `2 of 3 done, 1 failed`; empty without items. @param {RunNode} node */
export function itemsText({ items, item_states: states = [] }) {
  if (!items) return "";
  const over = states.filter(({ state }) => isOver(state));
  const failed = over.filter(isFailed).length;
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
  const state = node.ended_at ? "never" : "waiting";
  return { ...node, ...none, items: undefined, item_states: undefined, name, ...(found ?? { state }) };
}

/** @param {{node: RunNode, item: number}} props  item: the chosen one */
export function Items({ node, item }) {
  const { items = [], item_states: states, ended_at } = node;
  const rest = ended_at ? "never" : "waiting";
  const all = useMemo(() => itemsOf(items, states, rest), [items, states, rest]);
  const { query } = route.value;
  const [group, text] = [query.get("items") ?? "", query.get("named") ?? ""];
  const found = useMemo(() => filtered(all, group, text), [all, group, text]);
  const isNamed = found.length <= NAMED_MAX;
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => intoSight(list.current), [item, group, text, isNamed]);
  const chosen = found.some((one) => one.item === item) ? item : found[0]?.item;
  const to = here({ node: node.id, item: "", attempt: "", line: "", tab: "output" });
  return html`<div class="items">
    <div class="items-bar">${
      all.length < FILTERED_MIN
        ? html`<p>${itemsText(node)}</p>`
        : html`<${Groups} all=${all} group=${group} />
          <input type="search" placeholder="Search items" aria-label="Search items" value=${text}
            onInput=${search} />`
    }</div>
    <ol class=${classes("items-all", isNamed && "is-named")} aria-label="Items" ref=${list}
      onKeyDown=${moved}>${found.map(
        (one) => html`<${ItemLink} key=${one.item} ...${one} to=${to} isNamed=${isNamed} isChosen=${one.item === item}
        isEntry=${one.item === chosen} />`,
      )}</ol>
    ${found.length === 0 && html`<p class="faint" role="status">No item is like that</p>`}
    <${Chosen} one=${all[item]} state=${states?.find((one) => one.item === item)} /></div>`;
}

/** @param {any} event */
const search = (event) => go(here({ named: event.currentTarget.value }), { replace: true });

/** How many items are in each group of states; each chooses its items.
 * @param {{all: Item[], group: string}} props */
function Groups({ all, group }) {
  /** @param {string} name @param {number} count */
  const link = (name, count) => html`<a key=${name} data-replace href=${here({ items: name })}
    aria-current=${name === group ? "true" : undefined}>${name || "all"} <span class="items-count">${count}</span></a>`;
  const counts = GROUPS.map(([name, states]) => [name, all.filter(({ state }) => states.includes(state)).length]);
  return html`<span class="attempts" role="group" aria-label="States of the items">${link("", all.length)}${counts
    .filter(([name, count]) => count || name === group)
    .map(([name, count]) => link(String(name), Number(count)))}</span>`;
}

/** Plain values: with unchanged ones it is not drawn again.
 * @param {Item & {to: string, isNamed: boolean, isChosen: boolean, isEntry: boolean}} props
 *   isEntry: the stop of the tab key */
function ItemLink({ item, label, state, why, to, isNamed, isChosen, isEntry }) {
  const title = [`${item}: ${label}, ${stateName(state)}`, why].filter(Boolean).join(": ");
  return html`<li><a class=${classes("item", `is-${state}`)} data-replace title=${title} aria-label=${title}
    aria-current=${isChosen ? "true" : undefined} tabindex=${isEntry ? 0 : -1} href=${`${to}&item=${item}`}>${
      isNamed && html`<${Mark} state=${state} /><span>${label}</span>`
    }</a></li>`;
}

/** The chosen item in words: a square has no room for them.
 * @param {{one?: Item, state?: ItemState}} props */
function Chosen({ one, state }) {
  if (!one) return null;
  const facts = [
    `item ${one.item}`,
    plain(state?.label),
    took(state?.begun_at ?? state?.started_at, state?.ended_at),
    one.why || (state?.status ? `exit status ${state.status}` : ""),
  ];
  return html`<p class="items-chosen"><${Mark} state=${one.state} /><b>${one.label}</b>
    <span class="faint">${facts.filter(Boolean).join(" · ")}</span></p>`;
}

/** @param {string[]} labels @param {ItemState[] | undefined} states @param {string} rest  of those that have not begun
 * @returns {Item[]} */
function itemsOf(labels, states, rest) {
  const byItem = new Map(states?.map((one) => [one.item, one]));
  return labels.map((label, item) => {
    const one = byItem.get(item);
    return { item, label: plain(label), state: one?.state ?? rest, why: plain(one?.why) };
  });
}

/** @param {Item[]} all @param {string} group @param {string} text */
function filtered(all, group, text) {
  const states = GROUPS.find(([name]) => name === group)?.[1];
  const part = text.toLowerCase();
  return all.filter(
    ({ item, label, state }) =>
      (!states || states.includes(state)) && (!part || label.toLowerCase().includes(part) || String(item) === part),
  );
}

/** Scroll the list, and not the page, to the chosen item. @param {HTMLElement | null} list */
function intoSight(list) {
  const chosen = list?.querySelector("[aria-current]");
  if (!list || !(chosen instanceof HTMLElement)) return;
  const top = chosen.offsetTop; // the list is positioned
  if (top < list.scrollTop || top + chosen.offsetHeight > list.scrollTop + list.clientHeight)
    list.scrollTop = top - (list.clientHeight - chosen.offsetHeight) / 2;
}

/** @param {KeyboardEvent} event */
function moved(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || !(event.currentTarget instanceof HTMLElement)) return;
  const links = /** @type {HTMLElement[]} */ ([...event.currentTarget.querySelectorAll("a")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0) return;
  const below = links.findIndex(({ offsetTop }) => offsetTop > links[0].offsetTop);
  const row = below < 0 ? links.length : below;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - row,
    ArrowDown: at + row,
    Home: 0,
    End: links.length - 1,
  };
  const next = links[targets[event.key]];
  if (targets[event.key] === undefined) return;
  event.preventDefault();
  next?.focus();
}

/** Whether an item has failed. @param {{state: string}} item */
export const isFailed = ({ state }) => state === "bad" || state === "error";

/** @param {string} state */
const isOver = (state) => ["good", "bad", "error", "stopped"].includes(state);
