// A picture of a flow's graph, however it was laid out: where nodes are, and the lines between.

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 44;
export const MARGIN = 16;

/** @typedef {import("./types/api").Graph} FlowGraph */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{id: string, left: number, top: number}} Place */
/** @typedef {{key: string, from: string, tag: string, path: string, label: string, x: number, y: number}} Line */
/** @typedef {{node: {width: number, height: number}, width: number, height: number, places: Place[], lines: Line[]}} Plan */

/** @param {import("./types/api").GraphEdge} edge @param {Point[]} points  from one node's right side to the other's left */
export function lineOf({ from, to, tag }, points) {
  const middle = points[Math.floor(points.length / 2)];
  return { key: `${from} ${to} ${tag}`, from, tag, path: curve(points), label: outcome(tag), x: middle.x, y: middle.y };
}

/** What of a tag is worth a label: "good" is what an arrow means anyway. @param {string} tag */
function outcome(tag) {
  const last = tag.slice(tag.lastIndexOf(".") + 1);
  return last === "good" ? "" : last;
}

/** Through the points, level at both ends. @param {Point[]} points */
function curve(points) {
  let path = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    const middle = (a.x + b.x) / 2;
    path += `C${middle},${a.y} ${middle},${b.y} ${b.x},${b.y}`;
  }
  return path;
}
