// Layout of a large graph: a column for each level, each node near its predecessors.
// Simpler than layout.js, and a hundred times as fast.
import { MARGIN, NODE_HEIGHT, NODE_WIDTH, lineOf } from "./plan.js";

const COLUMN = NODE_WIDTH + 60;
const ROW = NODE_HEIGHT + 14;

/** @param {import("./plan.js").FlowGraph} graph @returns {import("./plan.js").Plan} */
export function planOf(graph) {
  /** @type {Map<string, string[]>} */
  const before = new Map(graph.nodes.map(({ id }) => [id, []]));
  for (const { from, to } of graph.edges) before.get(to)?.push(from);
  /** @type {import("./types/api").GraphNode[][]} */
  const columns = [];
  for (const node of graph.nodes) (columns[node.level ?? 0] ??= []).push(node);
  /** @type {Map<string, number>} */
  const rows = new Map();
  const tallest = Math.max(...columns.map((column) => column?.length ?? 0));
  for (const column of columns) {
    if (!column) continue;
    const wish = new Map(column.map(({ id }) => [id, mean((before.get(id) ?? []).map((from) => rows.get(from)))]));
    column.sort((a, b) => (wish.get(a.id) ?? 0) - (wish.get(b.id) ?? 0));
    const first = (tallest - column.length) / 2;
    for (const [at, { id }] of column.entries()) rows.set(id, first + at);
  }
  const places = graph.nodes.map(({ id, level = 0 }) => ({
    id,
    left: MARGIN + level * COLUMN,
    top: MARGIN + (rows.get(id) ?? 0) * ROW,
  }));
  const at = new Map(places.map((place) => [place.id, place]));
  const lines = graph.edges.flatMap((edge) => {
    const [from, to] = [at.get(edge.from), at.get(edge.to)];
    if (!from || !to) return [];
    return [
      lineOf(edge, [
        { x: from.left + NODE_WIDTH, y: from.top + NODE_HEIGHT / 2 },
        { x: to.left, y: to.top + NODE_HEIGHT / 2 },
      ]),
    ];
  });
  const node = { width: NODE_WIDTH, height: NODE_HEIGHT };
  return {
    node,
    width: 2 * MARGIN + columns.length * COLUMN - 60,
    height: 2 * MARGIN + tallest * ROW - 14,
    places,
    lines,
  };
}

/** The mean of the known numbers; a node without any goes last. @param {(number | undefined)[]} list */
function mean(list) {
  const known = list.filter((row) => row !== undefined);
  return known.length ? known.reduce((sum, row) => sum + row, 0) / known.length : Number.MAX_SAFE_INTEGER;
}
