// A list of runs under column heads. Equal good runs in a row are one line that opens.
import { useState } from "preact/hooks";
import { flowName } from "../flows.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { brief, duration, full } from "../time.js";
import { Mark } from "./mark.js";
import { LiveRow, Row } from "./row.js";

/** So many equal runs in a row are folded. */
const LEAST = 3;
/** Active runs beyond this number are listed without their failed nodes. */
const DETAILED = 25;

/** @typedef {import("../types/api").Summary} Summary */

/** @param {Summary} run */
const keyOf = (run) => (run.good ? `${run.flow} ${run.by} ${run.title}` : "");

/** Runs that are equal but for their time, as groups; every other run alone. @param {Summary[]} list */
function groupsOf(list) {
  /** @type {Summary[][]} */
  const groups = [];
  for (const run of list) {
    const group = groups.at(-1);
    if (group && keyOf(run) && keyOf(group[0]) === keyOf(run)) group.push(run);
    else groups.push([run]);
  }
  return groups.flatMap((group) => (group.length < LEAST ? group.map((run) => [run]) : [group]));
}

/**
 * @param {{list: Summary[], label?: string, flow?: boolean, at?: "ended" | "started"}} props
 *   flow: name the flow of each; at: the instant in the last column
 */
export function Rows({ list, label, flow = true, at = "ended" }) {
  const [open, setOpen] = useState(/** @type {Set<string>} */ (new Set()));
  /** @param {string} id */
  const toggle = (id) => setOpen((old) => new Set(old.has(id) ? [...old].filter((one) => one !== id) : [...old, id]));
  const active = list.filter((run) => run.state === "active");
  const detailed = new Set(active.slice(0, DETAILED).map((run) => run.id));
  return html`<div class=${flow ? "" : "is-one-flow"}>
    <div class="row rows-head" aria-hidden="true"><span></span><span>${flow ? "Flow" : "Run"}</span><span>What</span>
      <span class="row-by">Who</span><span class="row-took">Took</span><span class="row-at">${
        at === "ended" ? "Ended" : "Started"
      }</span></div>
    <ul class="rows" aria-label=${label}>${groupsOf(list).map((group) => {
      const id = group[group.length - 1].id; // the oldest: new runs join at the other end
      if (group.length === 1)
        return html`<${detailed.has(id) ? LiveRow : Row} key=${id} run=${group[0]} flow=${flow} at=${at} />`;
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
