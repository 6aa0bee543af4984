// A flow as a graph, left to right; in a run its nodes carry their state and its lit lines the tags that stand.
// One stop of the tab key; the arrow keys move inside it.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { answerOf } from "../answers.js";
import { firstStart } from "../bars.js";
import { classes, html } from "../html.js";
import { AROUND_SMALL, planOf } from "../layout.js";
import { here, route, runHref } from "../route.js";
import { nameOf } from "../stacks.js";
import { plain, skipOf, typeName } from "../text.js";
import { minute, took } from "../time.js";
import { ALL_MAX } from "../viewport.js";
import { useZoom } from "../zoom.js";
import { itemsText } from "./items.js";
import { Mark, stateName } from "./mark.js";
import { Minimap } from "./minimap.js";
import { childOf } from "./rerun.js";
import { attemptText, timesText, visitText } from "./visits.js";

/** @typedef {import("../layout.js").Plan} Plan */
/** @typedef {import("../layout.js").Spot} Spot */
/** @typedef {import("../layout.js").Place} Place */
/** @typedef {import("../types/api").RunNode} RunNode */
/** @typedef {import("../types/api").GraphNode} GraphNode */

/** At a smaller scale a node has room for its name alone, and below the second one for no text. */
const [FULL, NAMED] = [0.9, 0.5];
const NAME_PX = 12;
/** The letters of a name in a sheet of full size. */
const BASE_PX = 14;

/** States of a stack's nodes, the one that matters most first. */
const ORDER = "bad error asking retrying running queued stopped good skipped waiting never".split(" ");

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {{graph: import("../types/api").Graph, nodes?: RunNode[], started?: boolean, chosen?: string,
 *   at?: string | null}} props
 *   nodes: with their states, in a run; started: the run is active; at: the shown moment, null for now
 */
export function GraphPanel({ graph, nodes, started = false, chosen, at = null }) {
  const open = route.value.query.get("open") ?? "";
  const measure = useMemo(widthOf, []);
  const plan = useMemo(() => planOf(graph, new Set(open.split(",")), measure), [graph, open]);
  const states = useMemo(() => new Map(nodes?.map((node) => [node.id, node])), [nodes]);
  const stops = useMemo(() => stopsOf(plan, states.size > 0), [plan, states.size > 0]);
  const aim = stops.find(({ ids }) => ids.includes(chosen ?? ""))?.place;
  const zoom = useZoom(plan, aim);
  const { box, scale, seen } = zoom;
  const [current, setCurrent] = useState("");
  const wanted = useRef("");
  const isIn = useRef(false); // the focus was here last
  const entry = stops.find(({ id }) => id === current) ?? stops.find(({ place }) => place === aim) ?? stops[0];
  useLayoutEffect(() => {
    if (!wanted.current) return;
    wanted.current = "";
    const element = box.current?.querySelector('[tabindex="0"]');
    if (element instanceof HTMLElement) element.focus({ preventScroll: true });
  }, [current, scale]);

  useLayoutEffect(() => {
    // An opened or closed stack is a new element.
    const element = box.current?.querySelector('[tabindex="0"]');
    if (isIn.current && document.activeElement === document.body && element instanceof HTMLElement)
      element.focus({ preventScroll: true });
  }, [plan]);

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const { key } = event;
    const arrow = ARROWS[key];
    if (arrow && entry) {
      const next = nextStop(stops, entry, arrow);
      if (next) {
        wanted.current = next.id;
        zoom.show(next.place);
        setCurrent(next.id);
      }
    } else if (key === "+" || key === "=") zoom.by(1);
    else if (key === "-") zoom.by(-1);
    else if (key === "0") zoom.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  /** @param {FocusEvent} event */
  const onFocusIn = ({ target }) => {
    const id = target instanceof HTMLElement ? target.dataset.stop : undefined;
    const stop = stops.find((one) => one.id === id);
    if (!stop) return;
    isIn.current = true;
    setCurrent(stop.id);
    zoom.show(stop.place);
  };
  /** @param {FocusEvent} event */
  const onFocusOut = ({ relatedTarget }) => {
    if (relatedTarget instanceof Element && !box.current?.contains(relatedTarget)) isIn.current = false;
  };
  const isLarge = plan.spots.length + stops.length > ALL_MAX;
  /** @param {Place} place @param {string} id */
  const isDrawn = ({ left, top, width, height }, id) =>
    !isLarge || id === entry?.id || seen({ left, top, right: left + width, bottom: top + height });
  const lines = plan.lines.filter((line) => !isLarge || seen(line.box));
  /** Whether a word of a name has no room in a small sheet. @param {string} name @param {number} width */
  const isCut = (name, width) =>
    scale < FULL && (Math.max(...name.split(/\s+/).map(measure)) * NAME_PX) / (BASE_PX * scale) > width - AROUND_SMALL;
  const fired = firedOf(graph, states, started);
  const shared = { states, fired, chosen, at, entry: entry?.id, isCut };
  return html`<div class="graph-frame">
    <div class=${classes("graph", scale < FULL && "is-small", scale < NAMED && "is-tiny")} role="group"
      aria-label="Graph of the flow" tabindex=${stops.length ? undefined : 0} ref=${box} onKeyDown=${onKeyDown}
      onFocusIn=${onFocusIn} onFocusOut=${onFocusOut}
      style=${{ height: zoom.height, "--name": `${NAME_PX / (scale || 1)}px` }}>${
        scale > 0 &&
        html`<div class="graph-sheet"
            style=${{ width: `${plan.width}px`, height: `${plan.height}px`, zoom: String(scale) }}>
          <${Lines} plan=${plan} lines=${lines} states=${states} started=${started} />
          ${plan.spots
            .filter((spot) => isDrawn(spot, spot.id))
            .map((spot) => {
              const { id, unit, cells } = spot;
              if (unit.members.length === 1)
                return html`<${Node} key=${id} ...${given(unit.members[0], spot, shared)} />`;
              if (!cells.length) return html`<${Stack} key=${id} spot=${spot} ...${shared} />`;
              return html`<${OpenStack} key=${id} spot=${spot} entry=${shared.entry} />${cells
                .map((cell, nth) => ({ cell, node: unit.members[nth] }))
                .filter(({ cell }) => isDrawn(cell, cell.id))
                .map(({ cell, node }) => html`<${Node} key=${cell.id} ...${given(node, cell, shared)} isCell />`)}`;
            })}
        </div>`
      }</div>
    ${
      zoom.canZoom &&
      html`<div class="graph-tools" role="group" aria-label="Size of the graph">
        <button class="quiet" aria-label="Smaller" title="Smaller (−)" onClick=${() => zoom.by(-1)}>−</button>
        <button class="quiet" aria-label="Larger" title="Larger (+)" onClick=${() => zoom.by(1)}>+</button>
        <button class="quiet" title="All of it (0)" onClick=${zoom.fit}>Fit</button></div>`
    }
    ${zoom.overflows && html`<${Minimap} plan=${plan} states=${states} box=${box} scale=${scale} />`}
  </div>`;
}

/** Measures a name as css/graph.css draws it. @returns {(name: string) => number} */
function widthOf() {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return ({ length }) => 9 * length;
  const { fontSize, fontFamily } = getComputedStyle(document.body);
  context.font = `600 ${fontSize} ${fontFamily}`;
  return (name) => context.measureText(plain(name)).width;
}

/** @typedef {{id: string, place: Place, ids: string[]}} Stop  for the arrow keys; ids: the nodes it stands for */

/** Nodes of a run are links, and so are stacks. @param {Plan} plan @param {boolean} isRun @returns {Stop[]} */
function stopsOf(plan, isRun) {
  return plan.spots.flatMap((spot) => {
    const { id, unit, cells } = spot;
    const { members } = unit;
    if (members.length === 1)
      return isRun && members[0].class !== "trigger" ? [{ id, place: spot, ids: [members[0].id] }] : [];
    const head = { id: `stack ${id}`, place: { ...spot, height: 30 }, ids: /** @type {string[]} */ ([]) };
    if (!cells.length) return [{ ...head, place: spot, ids: members.map((node) => node.id) }];
    return [head, ...(isRun ? cells.map((cell) => ({ id: cell.id, place: cell, ids: [cell.id] })) : [])];
  });
}

/**
 * The nearest stop in a direction; what is straight ahead is nearer.
 * @param {Stop[]} stops
 * @param {Stop} from
 * @param {[number, number]} direction
 */
function nextStop(stops, from, [dx, dy]) {
  const start = middle(from.place);
  let best = null;
  let least = Infinity;
  for (const stop of stops) {
    const { x, y } = middle(stop.place);
    const ahead = (x - start.x) * dx + (y - start.y) * dy;
    const aside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx);
    if (ahead > 1 && ahead + 3 * aside < least) {
      best = stop;
      least = ahead + 3 * aside;
    }
  }
  return best;
}

/** @param {Place} place */
const middle = ({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 });

/** @param {Record<string, number>} lengths */
const pixels = (lengths) => Object.fromEntries(Object.entries(lengths).map(([name, value]) => [name, `${value}px`]));

/** @param {Place} place */
const placed = ({ left, top, width, height }) => pixels({ left, top, width, height });

/** Whether a node of a run has begun. @param {RunNode | undefined} run */
const isEntered = (run) => Boolean(run?.entered_at);

/**
 * The triggers that began a run: the one of a flow, or of several those with a node that has begun.
 * @param {import("../types/api").Graph} graph
 * @param {Map<string, RunNode>} states
 * @param {boolean} started
 */
function firedOf({ edges }, states, started) {
  const several = edges.filter(({ from, to }) => !states.has(from) && isEntered(states.get(to)));
  return new Set([...(started ? ["trigger"] : []), ...several.map(({ from }) => from)]);
}

/** @param {{plan: Plan, lines: Plan["lines"], states: Map<string, RunNode>, started: boolean}} props */
function Lines({ plan, lines, states, started }) {
  /** @param {Plan["lines"][number]} line */
  const isLit = ({ sources }) =>
    sources.some(({ from, to, tag }) => {
      if (from === "trigger") return started;
      return states.has(from) ? states.get(from)?.tag === tag : isEntered(states.get(to));
    });
  const looks = Map.groupBy(lines, (line) =>
    classes("line", !line.key.endsWith(" good") && "is-other", isLit(line) && "is-lit"),
  );
  return html`<svg class="graph-lines" width=${plan.width} height=${plan.height} aria-hidden="true">
    ${[...looks].map(
      ([names, list]) => html`<path key=${names} class=${names} d=${list.map(({ path }) => path).join("")} />`,
    )}
    <path class="line-tips" d=${lines.map((line) => line.tip).join("")} />
    ${lines.map(
      (line) =>
        line.label &&
        html`<text key=${line.key} class="line-label" x=${line.x} y=${line.y - 4}>${plain(line.label)}</text>`,
    )}
  </svg>`;
}

/**
 * @typedef {{states: Map<string, RunNode>, fired: Set<string>, chosen?: string, at: string | null, entry?: string,
 *   isCut: (name: string, width: number) => boolean}} Shared  entry: the stop of the tab key
 */

/** The properties of a node as plain values: with unchanged ones it is not drawn again.
 * @param {GraphNode} node @param {Place} place @param {Shared} shared */
const given = (node, { left, top, width, height }, { states, fired, chosen, at, entry, isCut }) => ({
  node,
  run: states.get(node.id),
  started: fired.has(node.id),
  chosen: chosen === node.id,
  at,
  isEntry: entry === node.id,
  isCut: isCut(nameOf(node), width),
  left,
  top,
  width,
  height,
});

/** @param {Place & ReturnType<typeof given> & {isCell?: boolean}} props */
function Node({ node, run, started, chosen, at, isEntry, isCut, isCell = false, ...place }) {
  const state = node.class === "trigger" ? (started ? "good" : "") : (run?.state ?? "");
  const name = plain(nameOf(node));
  const kind = plain(node.calls) || typeName(node.type || node.class);
  const child = run ? plain(childOf(run)) : "";
  const far = run ? [visitText(run, node), itemsText(run), attemptText(run, node)].filter(Boolean).join(" · ") : "";
  const spent = run?.started_at && !far && !child ? ` · ${took(firstStart(run), run.ended_at ?? at)}` : "";
  const inner = html`
    ${state && html`<${Mark} state=${state} />`}
    <span class="node-text"><span class="node-name">${name}</span>
      ${
        !isCell &&
        html`<span class="node-type">${
          state === "skipped"
            ? "skipped"
            : run?.by
              ? `by ${plain(run.by)}, ${minute(run.ended_at)}`
              : spent
                ? html`<span class="node-kind">${kind}</span><span class="node-took">${spent}</span>`
                : far || child || [kind, timesText(node)].filter(Boolean).join(" · ")
        }</span>`
      }</span>`;
  const names = classes(
    "node",
    `is-${node.class}`,
    state && `is-${state}`,
    chosen && "is-chosen",
    isCell && "is-cell",
    isCut && "is-cut",
  );
  const style = placed(/** @type {Place} */ (place));
  if (!run || node.class === "trigger") return html`<div class=${names} style=${style} title=${name}>${inner}</div>`;
  const said = skipOf(run) || stateName(state);
  const title = [`${name}: ${said}`, far, answerOf(run), child && `opens ${child}`].filter(Boolean).join(", ");
  return html`<a class=${names} style=${style} title=${title}
    data-replace=${child ? undefined : true} data-stop=${node.id} tabindex=${isEntry ? 0 : -1}
    href=${child ? runHref(child) : nodeHref(run)}
    aria-current=${chosen ? "true" : undefined}>${inner}</a>`;
}

/** Equal siblings as one: how many are in which state. @param {{spot: Spot} & Shared} props */
function Stack({ spot, states, chosen, entry }) {
  const { id, unit } = spot;
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const node of unit.members) {
    const state = states.get(node.id)?.state;
    if (state) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const shown = ORDER.filter((state) => counts.has(state));
  const name = `${plain(unit.name)} ×${unit.members.length}`;
  const said = shown.map((state) => `${counts.get(state)} ${stateName(state)}`).join(", ");
  const isChosen = unit.members.some((node) => node.id === chosen);
  return html`<a class=${classes("node", "is-stack", shown.length > 0 && `is-${shown[0]}`, isChosen && "is-chosen")}
    style=${placed(spot)} title=${said ? `${name}: ${said}` : name} data-replace data-stop=${`stack ${id}`}
    tabindex=${entry === `stack ${id}` ? 0 : -1} href=${toggled(id)} aria-expanded="false">
    <span class="node-text"><span class="node-name">${name}</span>
      <span class="node-type stack-counts">${
        shown.length
          ? shown.map((state) => html`<span key=${state}>${counts.get(state)} <${Mark} state=${state} /></span>`)
          : typeName(unit.members[0].type || unit.members[0].class)
      }</span></span></a>`;
}

/** The frame around the nodes of a stack. @param {{spot: Spot, entry?: string}} props */
function OpenStack({ spot, entry }) {
  const { id, unit } = spot;
  return html`<div class="stack" style=${placed(spot)}>
    <a class="stack-head" data-replace data-stop=${`stack ${id}`} tabindex=${entry === `stack ${id}` ? 0 : -1}
      href=${toggled(id)} aria-expanded="true"><b>${plain(unit.name)} ×${unit.members.length}</b> close</a></div>`;
}

/** The URL in which a stack is open, or closed again. @param {string} id */
function toggled(id) {
  const open = (route.value.query.get("open") ?? "").split(",").filter(Boolean);
  return here({ open: (open.includes(id) ? open.filter((one) => one !== id) : [...open, id]).join(",") });
}

/**
 * The link of a node in the graph: the page of a run with the node chosen.
 * @param {RunNode} node @param {Record<string, string>} [more]
 */
export const nodeHref = (node, more) =>
  here({ node: node.id, visit: "", item: "", items: "", named: "", attempt: "", line: "", tab: tabFor(node), ...more });

/** The tab that a click on a node of the graph opens: the most interesting one. @param {RunNode} node */
export function tabFor(node) {
  if (node.state === "asking") return node.type === "call" ? "data" : "form";
  if (["waiting", "never", "skipped"].includes(node.state)) return "why";
  if (node.type === "flyte") return node.ended_at ? "data" : "why";
  const prints = ["exec", "flow"].includes(node.type) || (node.items && !node.label) || node.state === "running";
  return prints || node.output_bytes ? "output" : "data";
}
