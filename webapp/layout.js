// Layout of a flow's graph: left to right, by dagre.
import { Graph, layout } from "@dagrejs/dagre";
import { MARGIN, NODE_HEIGHT, NODE_WIDTH, lineOf } from "./plan.js";

/** @typedef {import("./plan.js").Point} Point */

/** dagre keeps nodes in plain objects, where an id such as `constructor` has a meaning. @param {string} id */
const key = (id) => `id ${id}`;

/** @param {import("./plan.js").FlowGraph} graph @returns {import("./plan.js").Plan} */
export function planOf(graph) {
  const sheet = new Graph({ multigraph: true });
  sheet.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 44, edgesep: 12, marginx: MARGIN, marginy: MARGIN });
  sheet.setDefaultEdgeLabel(() => ({}));
  for (const { id } of graph.nodes) sheet.setNode(key(id), { width: NODE_WIDTH, height: NODE_HEIGHT });
  const ids = new Set(graph.nodes.map(({ id }) => id));
  const edges = graph.edges.filter(({ from, to }) => ids.has(from) && ids.has(to));
  for (const { from, to, tag } of edges) sheet.setEdge(key(from), key(to), {}, tag);
  layout(sheet);
  const places = graph.nodes.map(({ id }) => {
    const { x, y } = sheet.node(key(id));
    return { id, left: x - NODE_WIDTH / 2, top: y - NODE_HEIGHT / 2 };
  });
  const lines = edges.map((edge) =>
    lineOf(
      edge,
      ported(
        sheet.edge(key(edge.from), key(edge.to), edge.tag).points,
        sheet.node(key(edge.from)),
        sheet.node(key(edge.to)),
      ),
    ),
  );
  const { width = 0, height = 0 } = sheet.graph();
  return { node: { width: NODE_WIDTH, height: NODE_HEIGHT }, width, height, places, lines };
}

/**
 * From the right side of one node to the left side of the next; dagre would cut corners.
 * @param {Point[]} points
 * @param {Point} from
 * @param {Point} to
 */
function ported(points, from, to) {
  const start = { x: from.x + NODE_WIDTH / 2, y: from.y };
  const end = { x: to.x - NODE_WIDTH / 2, y: to.y };
  if (end.x < start.x) return points; // backwards: use dagre's route
  return [start, ...points.slice(1, -1).filter(({ x }) => x > start.x && x < end.x), end];
}
