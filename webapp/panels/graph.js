// A flow as a graph, left to right; in a run its nodes carry their state and its lit lines the
// tags that stand. Nodes are links in reading order; the lines are only decoration.
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { classes, html } from "../html.js";
import { planOf as columns } from "../layers.js";
import { here } from "../route.js";
import { ALL_MAX, useCalm, useViewport } from "../viewport.js";
import { plain } from "../text.js";
import { took } from "../time.js";
import { Mark, stateName } from "./mark.js";

// Names are unreadable at a smaller scale.
const SCALE_MIN = 0.75;

// dagre takes a second for a thousand nodes; beyond this number simple columns are used.
const NODES_MAX = 200;

/** @typedef {import("../plan.js").Plan} Plan */
/** @typedef {(graph: import("../types/api").Graph) => Plan} Planner */

// dagre is a fifth of all code, so only pages with a graph load it.
const fine = signal(/** @type {Planner | null} */ (null));
/** @type {WeakMap<object, Plan>} */
const plans = new WeakMap();

/** Once per graph. @param {Planner} planner @param {import("../types/api").Graph} graph */
function planned(planner, graph) {
  const plan = plans.get(graph) ?? planner(graph);
  plans.set(graph, plan);
  return plan;
}

/**
 * @param {{graph: import("../types/api").Graph, nodes?: import("../types/api").RunNode[], started?: boolean, chosen?:
 *   string, at?: string | null}} props
 *   nodes: with their states, in a run; started: the run is active; at: the shown moment, null for now
 */
export function GraphPanel(props) {
  const planner = props.graph.nodes.length > NODES_MAX ? columns : fine.value;
  useLayoutEffect(() => {
    if (!planner) void import("../layout.js").then(({ planOf }) => (fine.value = planOf));
  }, [planner]);
  return planner
    ? html`<${Sheet} ...${props} plan=${planned(planner, props.graph)} />`
    : html`<div class="graph"></div>`;
}

/** @param {Parameters<typeof GraphPanel>[0] & {plan: Plan}} props */
function Sheet({ plan, graph, nodes, started = false, chosen, at = null }) {
  const { box, scale, seen } = useFit(plan, chosen);
  const states = new Map(nodes?.map((node) => [node.id, node]));
  const known = new Map(graph.nodes.map((node) => [node.id, node]));
  const { width, height } = plan.node;
  const lines = plan.lines.filter((line) => seen(line.box));
  return html`<div class="graph" role="group" aria-label="Graph of the flow" tabindex="0" ref=${box}
    onFocusIn=${shownWhole}>
    ${
      scale > 0 &&
      html`<div class="graph-sheet"
            style=${{ width: `${plan.width}px`, height: `${plan.height}px`, zoom: String(scale) }}>
          <svg class="graph-lines" width=${plan.width} height=${plan.height} aria-hidden="true">
            ${[
              ...Map.groupBy(lines, (line) =>
                classes(
                  "line",
                  line.label && "is-other",
                  (line.from === "trigger" ? started : states.get(line.from)?.tag === line.tag) && "is-lit",
                ),
              ),
            ].map(
              ([names, list]) => html`<path key=${names} class=${names} d=${list.map(({ path }) => path).join("")} />`,
            )}
            <path class="line-tips" d=${lines.map((line) => line.tip).join("")} />
            ${lines.map(
              (line) =>
                line.label &&
                html`<text key=${line.key} class="line-label" x=${line.x} y=${line.y - 4}>
                  ${plain(line.label)}</text>`,
            )}
          </svg>
          ${plan.places
            .filter(({ left, top }) => seen({ left, top, right: left + width, bottom: top + height }))
            .map(({ id, left, top }) => {
              const node = /** @type {import("../types/api").GraphNode} */ (known.get(id));
              return html`<${Node} key=${id} node=${node} run=${states.get(id)} started=${started}
                chosen=${chosen === id}
                at=${at} left=${left} top=${top} width=${width} height=${height} />`;
            })}
        </div>`
    }
  </div>`;
}

/** Scroll the focused node into view: a browser does not do that for a partly visible one. @param {FocusEvent} event */
function shownWhole({ target, currentTarget }) {
  if (target instanceof HTMLElement && target !== currentTarget)
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** @param {Record<string, number>} lengths */
const pixels = (lengths) => Object.fromEntries(Object.entries(lengths).map(([name, value]) => [name, `${value}px`]));

/**
 * How much to shrink the sheet so that its width fits, within reason; what still does not fit
 * scrolls, and the chosen node is scrolled into view. `seen`: whether to draw a part of a large sheet.
 * @param {Plan} plan
 * @param {string | undefined} chosen
 */
function useFit(plan, chosen) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [viewport, look] = useViewport(box);
  const aim = useCalm(chosen);
  // 0: unknown, so draw nothing yet
  const scale = viewport.width ? Math.min(1, Math.max(SCALE_MIN, viewport.width / plan.width)) : 0;
  useLayoutEffect(() => {
    const place = plan.places.find(({ id }) => id === aim);
    const element = box.current;
    if (!place || !element) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    const [left, top] = [place.left * scale, place.top * scale];
    const [width, height] = [plan.node.width * scale, plan.node.height * scale];
    if (
      left >= scrollLeft &&
      left + width <= scrollLeft + clientWidth &&
      top >= scrollTop &&
      top + height <= scrollTop + clientHeight
    )
      return;
    element.scrollTo(left - (clientWidth - width) / 2, top - (clientHeight - height) / 2);
    look();
  }, [plan, aim, scale]);
  const isLarge = plan.places.length > ALL_MAX;
  /** @param {import("../plan.js").Box} part */
  const seen = ({ left, top, right, bottom }) =>
    !isLarge ||
    (right * scale >= viewport.left &&
      left * scale <= viewport.right &&
      bottom * scale >= viewport.top &&
      top * scale <= viewport.bottom);
  return { box, scale, seen };
}

/**
 * @param {{node: import("../types/api").GraphNode, run?: import("../types/api").RunNode, started: boolean,
 *   chosen: boolean, at: string | null, left: number, top: number, width: number, height: number}} props  as plain
 *   values: a node with unchanged values is not drawn again
 */
function Node({ node, run, started, chosen, at, left, top, width, height }) {
  const place = pixels({ left, top, width, height });
  const state = node.class === "trigger" ? (started ? "good" : "") : (run?.state ?? "");
  const name = plain(node.name || node.id);
  const inner = html`
    ${state && html`<${Mark} state=${state} />`}
    <span class="node-text"><span class="node-name">${name}</span>
      <span class="node-type">${plain(node.type || node.class)}
        ${run?.started_at && html` · ${took(run.started_at, run.ended_at ?? at)}`}</span></span>`;
  const names = classes("node", `is-${node.class}`, state && `is-${state}`, chosen && "is-chosen");
  if (!run || node.class === "trigger") return html`<div class=${names} style=${place} title=${name}>${inner}</div>`;
  return html`<a class=${names} style=${place} title=${`${name}: ${stateName(state)}`} data-replace
    href=${here({ node: node.id, visit: "", attempt: "", line: "", tab: tabFor(run) })}
    aria-current=${chosen ? "true" : undefined}>${inner}</a>`;
}

/** The tab that a click on a node opens: the most interesting one. @param {import("../types/api").RunNode} node */
export function tabFor(node) {
  if (node.state === "asking") return "form";
  if (node.state === "waiting" || node.state === "never") return "why";
  return node.type === "exec" || node.output_bytes ? "output" : "data";
}
