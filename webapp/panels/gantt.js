// The timeline of a run's nodes: when each entered, waited, ran, asked and settled.
import { useRef } from "preact/hooks";
import { barsOf, placeOf } from "../bars.js";
import { classes, html } from "../html.js";
import { narrow } from "../settings.js";
import { useRows } from "../viewport.js";
import { plain } from "../text.js";
import { spanText, tickStep } from "../ticks.js";
import { clock, duration, now } from "../time.js";
import { nodeHref } from "./graph.js";
import { Mark, stateName } from "./mark.js";

// A tick's label is to its right, so there is no room for one at the end.
const [TICKS, TICKS_NARROW] = [
  { most: 6, until: 0.93 },
  { most: 3, until: 0.8 },
];
const ROW_PX = 28;

/** @typedef {import("../types/api").RunNode} RunNode */
/** @typedef {import("../bars.js").Bar} Bar */

/**
 * @param {{nodes: RunNode[], from: string, to: string | null, at: string | null, chosen: string}} props
 *   from, to: of the run, `to` null while it is active; at: the shown moment, null for now
 */
export function Gantt({ nodes, from, to, at, chosen }) {
  const start = Date.parse(from);
  const end = Math.max(start + 1, to ? Date.parse(to) : now.value);
  const moment = at ? Date.parse(at) : end;
  // What was taken over from an earlier run took no time of this one.
  const entered = nodes.filter((node) => node.entered_at && !node.taken_from);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { first, last, isLong, space } = useRows(
    box,
    entered.length,
    ROW_PX,
    entered.findIndex(({ id }) => id === chosen),
  );
  /** @param {number} instant */
  const place = (instant) => placeOf(instant, start, end);
  const { most, until } = narrow.value ? TICKS_NARROW : TICKS;
  const step = tickStep(end - start, most);
  const ticks = Array.from({ length: Math.floor((until * (end - start)) / step) + 1 }, (_, nth) => nth * step);
  return html`<div class="gantt" role="group" aria-label="Timeline of the nodes" tabindex="0" ref=${box}
    style=${{ "--tick": `${(100 * step) / (end - start)}%` }}>
    <div class="gantt-axis" aria-hidden="true"><span class="gantt-name">${clock(from)}</span><span class="gantt-track">
      ${ticks.map((tick) => html`<i key=${tick} style=${{ left: place(start + tick) }}>${spanText(tick)}</i>`)}</span>
      </div>
    <ol style=${space}>${entered.slice(first, last).map((node, row) => {
      const bars = barsOf(node, moment);
      return html`<li key=${node.id} aria-setsize=${isLong ? entered.length : undefined}
        aria-posinset=${isLong ? first + row + 1 : undefined}>
          <a class=${classes("gantt-row", chosen === node.id && "is-chosen")} data-replace
            href=${nodeHref(node)}
          aria-current=${chosen === node.id ? "true" : undefined}
          aria-label="${plain(node.name || node.id)}: ${stateName(node.state)}, ${bars.map(said).join(", ")}">
        <span class="gantt-name"><${Mark} state=${node.state} /> <span>${plain(node.name || node.id)}</span></span>
        <span class="gantt-track">
          ${bars.map(
            (bar) => html`<i class=${classes("gantt-bar", `is-${bar.state}`)} key=${`${bar.what} ${bar.from}`}
                title=${said(bar)}
              style=${{ left: place(bar.from), width: `max(2px, calc(${place(bar.to)} - ${place(bar.from)}))` }}></i>`,
          )}
          ${at && html`<i class="gantt-moment" style=${{ left: place(moment) }}></i>`}
        </span></a></li>`;
    })}</ol>
  </div>`;
}

/** @param {Bar} bar */
const said = ({ what, from, to }) => `${what} ${duration(to - from)}`;
