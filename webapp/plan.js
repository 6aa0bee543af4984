// The drawing of a flow's graph for any layout: positions of nodes, and the lines between them.

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 44;
export const MARGIN = 16;
const TIP = 9;

/** @typedef {import("./types/api").Graph} FlowGraph */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{id: string, left: number, top: number}} Place */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/**
 * @typedef {{key: string, from: string, tag: string, path: string, tip: string, label: string, x: number, y: number,
 *   box: Box}} Line
 */
/**
 * @typedef {{node: {width: number, height: number}, width: number, height: number, places: Place[], lines: Line[]}}
 *   Plan
 */

/**
 * @param {import("./types/api").GraphEdge} edge
 * @param {Point[]} points  from one node's right side to the other's left
 */
export function lineOf({ from, to, tag }, points) {
  const middle = points[Math.floor(points.length / 2)];
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const box = { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  return {
    key: `${from} ${to} ${tag}`,
    from,
    tag,
    path: curve(points),
    tip: tip(points),
    label: outcome(tag),
    x: middle.x,
    y: middle.y,
    box,
  };
}

/** The part of a tag that needs a label: an arrow without a label means "good". @param {string} tag */
function outcome(tag) {
  const last = tag.slice(tag.lastIndexOf(".") + 1);
  return last === "good" ? "" : last;
}

/** A path through the points, horizontal at both ends. @param {Point[]} points */
function curve(points) {
  let path = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    const middle = (a.x + b.x) / 2;
    path += `C${middle},${a.y} ${middle},${b.y} ${b.x},${b.y}`;
  }
  return path;
}

/** The head of the arrow, horizontal like the end of the line. @param {Point[]} points */
function tip(points) {
  const [before, { x, y }] = points.slice(-2);
  const back = x < before.x ? TIP : -TIP;
  return `M${x},${y}l${back},${TIP / 2}v${-TIP}z`;
}
