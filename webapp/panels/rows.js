// A list of runs under column heads. Equal good runs in a row are one line that opens.
import { useState } from "preact/hooks";
import { flowName } from "../flows.js";
import { html } from "../html.js";
import { plain, plural } from "../text.js";
import { brief, duration, full } from "../time.js";
import { Mark } from "./mark.js";
import { LiveRow, Row } from "./row.js";

/** So many equal runs in a row are folded. */
const LEAST = 3;
/** Active runs beyond this number are listed without their failed nodes. */
const DETAILED = 25;

/** @typedef {import("../types/api").Summary} Summary */

/** The rows of runs that are below another one of a list, by the run above them. @param {Summary[]} list */
export function belowOf(list) {
  const ids = new Set(list.map(({ id }) => id));
  return Map.groupBy(list, ({ parent }) => (parent && ids.has(parent.run) ? parent.run : ""));
}

/** @param {Summary} run */
const keyOf = (run) => (run.good && !run.parent ? `${run.flow} ${run.by} ${run.title}` : "");

/** Runs that are equal but for their time, as groups; every other run alone.
 * @param {Summary[]} list @param {Map<string, Summary[]>} below */
function groupsOf(list, below) {
  /** @type {Summary[][]} */
  const groups = [];
  for (const run of list) {
    const group = groups.at(-1);
    const isAlone = !keyOf(run) || below.has(run.id) || below.has(group?.[0].id ?? "");
    if (group && !isAlone && keyOf(group[0]) === keyOf(run)) group.push(run);
    else groups.push([run]);
  }
  return groups.flatMap((group) => (group.length < LEAST ? group.map((run) => [run]) : [group]));
}

/**
 * The rows of a family: a run, and behind a button those below it.
 * @param {{run: Summary, below: Map<string, Summary[]>, depth?: number,
 *   draw: (run: Summary, more: {depth: number, fold: any}) => any}} props
 */
export function Family({ run, below, depth = 0, draw }) {
  const [isOpen, setOpen] = useState(false);
  const list = below.get(run.id) ?? [];
  const bad = list.filter(({ good }) => good === false).length;
  const fold =
    list.length > 0 &&
    html`<button class="quiet row-children" aria-expanded=${String(isOpen)} onClick=${() => setOpen(!isOpen)}>
      ${plural(list.length, "child run")}${bad > 0 && `, ${bad} not good`}</button> `;
  return html`${draw(run, { depth, fold })}${
    isOpen &&
    list.map((one) => html`<${Family} key=${one.id} run=${one} below=${below} depth=${depth + 1} draw=${draw} />`)
  }`;
}

/**
 * @param {{list: Summary[], label?: string, flow?: boolean, at?: "ended" | "started", isFlat?: boolean}} props
 *   flow: name the flow of each; at: the instant in the last column; isFlat: child runs have rows like others
 */
export function Rows({ list, label, flow = true, at = "ended", isFlat = false }) {
  const [open, setOpen] = useState(/** @type {Set<string>} */ (new Set()));
  /** @param {string} id */
  const toggle = (id) => setOpen((old) => new Set(old.has(id) ? [...old].filter((one) => one !== id) : [...old, id]));
  const active = list.filter((run) => run.state === "active");
  const below = isFlat ? new Map([["", list]]) : belowOf(list);
  const detailed = new Set(active.slice(0, DETAILED).map((run) => run.id));
  /** @param {Summary} run @param {{depth: number, fold: any}} more */
  const draw = (run, more) =>
    html`<${detailed.has(run.id) ? LiveRow : Row} key=${run.id} run=${run} flow=${flow} at=${at} ...${more} />`;
  return html`<div class=${flow ? "" : "is-one-flow"}>
    <div class="row rows-head" aria-hidden="true"><span></span><span>${flow ? "Flow" : "Run"}</span><span>What</span>
      <span class="row-by">Who</span><span class="row-took">Took</span><span class="row-at">${
        at === "ended" ? "Ended" : "Started"
      }</span></div>
    <ul class="rows" aria-label=${label}>${groupsOf(below.get("") ?? [], below).map((group) => {
      const id = group[group.length - 1].id; // the oldest: new runs join at the other end
      if (group.length === 1) return html`<${Family} key=${id} run=${group[0]} below=${below} draw=${draw} />`;
      const isOpen = open.has(id);
      return html`<${Fold} key=${`${id} fold`} group=${group} flow=${flow} isOpen=${isOpen}
          toggle=${() => toggle(id)} />
        ${isOpen && group.map((run) => html`<${Row} key=${run.id} run=${run} flow=${flow} at=${at} />`)}`;
    })}</ul></div>`;
}

/** @param {{group: Summary[], flow: boolean, isOpen: boolean, toggle: () => void}} props */
function Fold({ group, flow, isOpen, toggle }) {
  const [newest, oldest] = [group[0], group[group.length - 1]];
  const span = Date.parse(newest.ended_at ?? "") - Date.parse(oldest.started_at ?? oldest.pended_at);
  return html`<li class="row is-good is-fold">
    <${Mark} state="good" />
    <button class="row-name" aria-expanded=${String(isOpen)} onClick=${toggle}>
      ${flow && html`<b>${plain(flowName(newest.flow))}</b> `}<span class="row-count">×${group.length}</span></button>
    <span class="row-why">${newest.title && html`<span class="row-title">${plain(newest.title)}</span> `}${
      isOpen ? "fold them again" : `${group.length} good runs`
    }</span>
    <span class="row-by">${plain(newest.by || newest.trigger)}</span>
    <span class="row-took">in ${duration(span)}</span>
    <time class="row-at" dateTime=${newest.ended_at} title=${full(newest.ended_at)}>${brief(newest.ended_at)}</time>
  </li>`;
}
