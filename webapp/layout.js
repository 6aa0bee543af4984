// Layout of a flow's graph, left to right: a column for each level, siblings in declared order, and each node near
// its neighbours. Pure. A general layout (dagre) kept no order, drew each edge apart, and took a second for a thousand
// nodes.
import { labelOf, nameOf, unitsOf } from "./stacks.js";
import { typeName } from "./text.js";

/** @typedef {import("./types/api").Graph} FlowGraph */
/** @typedef {import("./stacks.js").Unit} Unit */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/** @typedef {{id: string, left: number, top: number, width: number, height: number}} Place */
/** @typedef {Place & {unit: Unit, cells: Place[]}} Spot  cells: of the nodes of an open stack */
/** @typedef {{from: string, to: string, tag: string}} Source */
/**
 * @typedef {{key: string, sources: Source[], path: string, tip: string, label: string, x: number, y: number, box: Box}}
 *   Line  a part of one edge, or of several that run together
 */
/** @typedef {{width: number, height: number, spots: Spot[], lines: Line[]}} Plan */
/**
 * @typedef {{key: string, level: number, order: number, height: number, y: number, spot: Spot | null}} Item  of a
 *   column; y: its middle; spot: null where an edge passes
 */
/** @typedef {{from: Item, to: Item, label: string, sources: Source[]}} Part */

const MARGIN = 16;
export const NODE_HEIGHT = 44;
const NODE_MIN = 136;
const NODE_MAX = 340;
/** Of a node that shows which of its repetitions, visits or items it is at. */
const COUNTING_MIN = 230;
/** Of a node without its name. */
const AROUND_NAME = 54;
/** The same in a small sheet, where a name has two lines. */
export const AROUND_SMALL = 44;
/** What usually stands behind the kind of a task; and how large both are, to letters of a name. */
const SPENT = " · 109 ms";
const KIND_SIZE = 0.85;
/** How much larger its letters are there, for their sheet. */
const SMALL = 1.25;
const BETWEEN = 16;
const COLUMN_GAP = 56;
const LABEL_LETTER = 6.5;
/** The height of a place where an edge passes. */
const PASS = 4;
/** From left to right and back; then twice near both neighbours. */
const PASSES = 4;
const TIP = 9;
/** How far a line that leads back goes beyond its nodes. */
const LOOP_OUT = COLUMN_GAP / 2;
/** More lines of one node, or longer ones, share a vertical trunk: curves would become a black wedge. */
const FAN_MAX = 12;
const FAN_TALL = 700;
/** Of a node in an open stack; a small sheet has larger letters for its size. */
const CELL = { height: 30, gap: 6, min: 84, max: 240, around: 44, letters: 1.15 };
const STACK_HEAD = 36;
const STACK_WIDTH = 1100;

/**
 * The layout of a graph as a plan: the places of nodes and the lines between them.
 * @param {FlowGraph} graph
 * @param {Set<string>} open  ids of the open stacks
 * @param {(name: string) => number} measure  the width of a name in px
 * @returns {Plan}
 */
export function planOf(graph, open, measure) {
  const units = unitsOf(graph);
  const spots = units.map((unit) => spotOf(unit, open.has(unit.id), measure));
  /** @type {Map<string, Item>} */
  const items = new Map();
  /** @type {Map<string, Item>} */
  const ofNode = new Map();
  for (const [order, spot] of spots.entries()) {
    const item = { key: spot.id, level: spot.unit.level, order, height: spot.height, y: 0, spot };
    items.set(item.key, item);
    for (const { id } of spot.unit.members) ofNode.set(id, item);
  }
  const { parts, back } = partsOf(graph.edges, ofNode, items);
  const before = Map.groupBy(parts, ({ to }) => to);
  const after = Map.groupBy(parts, ({ from }) => from);
  const columns = ordered(items, before);
  place(columns, before, after);
  const height = stretch(items) + (back.length ? 2 * BETWEEN + 8 * back.length : 0);
  const { width, at } = across(columns, parts);
  const widest = Math.max(width, ...back.map(({ from }) => rightOf(from, at) + LOOP_OUT + MARGIN));
  const lines = [
    ...linesOf(parts, before, after, at),
    ...back.map((part, nth) => loop(part, at, height - MARGIN - 8 * nth)),
  ];
  return { width: widest, height, spots: spots.map((spot) => moved(spot)), lines };
}

/** @param {Unit} unit @param {boolean} isOpen @param {(name: string) => number} measure @returns {Spot} */
function spotOf(unit, isOpen, measure) {
  const { id, members } = unit;
  if (members.length === 1 || !isOpen) {
    const name = members.length > 1 ? `${unit.name} ×${members.length}` : unit.name;
    const word = Math.max(...name.split(/\s+/).map(measure));
    const kinds =
      members.length > 1
        ? []
        : members.filter(isTask).map((node) => measure((node.calls || typeName(node.type)) + SPENT));
    const written = Math.max(measure(name), ...kinds.map((kind) => KIND_SIZE * kind));
    const width = Math.ceil(Math.max(AROUND_NAME + written, AROUND_SMALL + SMALL * word));
    const least = members.some(isCounting) ? COUNTING_MIN : NODE_MIN;
    return { id, unit, left: 0, top: 0, width: between(least, width, NODE_MAX), height: NODE_HEIGHT, cells: [] };
  }
  const widest = Math.ceil(CELL.letters * Math.max(...members.map((node) => measure(nameOf(node)))));
  const wide = between(CELL.min, CELL.around + widest, CELL.max) + CELL.gap;
  const high = CELL.height + CELL.gap;
  const most = Math.max(1, Math.floor(STACK_WIDTH / wide));
  const count = Math.min(most, Math.ceil(Math.sqrt((members.length * high * 2) / wide)));
  const cells = members.map((node, nth) => ({
    id: node.id,
    left: CELL.gap + (nth % count) * wide,
    top: STACK_HEAD + Math.floor(nth / count) * high,
    width: wide - CELL.gap,
    height: CELL.height,
  }));
  const height = STACK_HEAD + Math.ceil(members.length / count) * high;
  return { id, unit, left: 0, top: 0, width: CELL.gap + count * wide, height, cells };
}

/** @param {import("./types/api").GraphNode} node */
const isTask = (node) => node.class === "task";

/** @param {import("./types/api").GraphNode} node */
const isCounting = ({ foreach, loop_max, repeat }) => Boolean(foreach || loop_max || repeat);

/** @param {number} least @param {number} value @param {number} most */
const between = (least, value, most) => Math.min(most, Math.max(least, value));

/**
 * The edges in parts from one column to the next. Parallel edges are one; long edges of one node, or to one node, run
 * together as far as they can. `back`: the edges that lead to the same column or an earlier one.
 * @param {FlowGraph["edges"]} edges
 * @param {Map<string, Item>} ofNode
 * @param {Map<string, Item>} items  gets the places where edges pass
 */
function partsOf(edges, ofNode, items) {
  /** @type {Map<string, Part>} */
  const whole = new Map();
  for (const { from, to, tag, label = labelOf(tag) } of edges) {
    const [a, b] = [ofNode.get(from), ofNode.get(to)];
    if (a && b) add(whole, a, b, label, [{ from, to, tag }]);
  }
  const long = [...whole.values()].filter(({ from, to }) => to.level > from.level + 1);
  const starts = tally(long.map(({ from }) => from));
  const ends = tally(long.map(({ to }) => to));
  /** @type {Map<string, Part>} */
  const parts = new Map();
  const back = [];
  for (const { from, to, label, sources } of whole.values()) {
    if (to.level <= from.level) {
      back.push({ from, to, label, sources });
      continue;
    }
    const way = (starts.get(from) ?? 0) >= (ends.get(to) ?? 0) ? `from ${from.key} ${label}` : `to ${to.key} ${label}`;
    let before = from;
    for (let level = from.level + 1; level < to.level; level++) {
      const key = `${way} ${level}`;
      const pass = items.get(key) ?? { key, level, order: from.order, height: PASS, y: 0, spot: null };
      items.set(key, pass);
      add(parts, before, pass, label, sources);
      before = pass;
    }
    add(parts, before, to, label, sources);
  }
  return { parts: [...parts.values()], back };
}

/**
 * @param {Map<string, Part>} parts
 * @param {Item} from
 * @param {Item} to
 * @param {string} label
 * @param {Source[]} sources
 */
function add(parts, from, to, label, sources) {
  const key = `${from.key}\n${to.key}\n${label}`;
  const known = parts.get(key);
  if (known) known.sources.push(...sources);
  else parts.set(key, { from, to, label, sources: [...sources] });
}

/** @template T @param {T[]} list @returns {Map<T, number>} */
function tally(list) {
  const counts = new Map();
  for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}

/**
 * The columns, each in the order of what comes before; siblings keep their declared order.
 * @param {Map<string, Item>} items
 * @param {Map<Item, Part[]>} before  the parts that end at an item
 */
function ordered(items, before) {
  /** @type {Item[][]} */
  const columns = [];
  for (const item of items.values()) (columns[item.level] ??= []).push(item);
  const rank = new Map();
  const found = columns.filter(Boolean);
  for (const column of found) {
    const wish = new Map(
      column.map((item) => [item, mean((before.get(item) ?? []).map(({ from }) => rank.get(from) ?? 0))]),
    );
    column.sort((a, b) => (wish.get(a) ?? Infinity) - (wish.get(b) ?? Infinity) || a.order - b.order);
    for (const [nth, item] of column.entries()) rank.set(item, nth);
  }
  return found;
}

/** @param {number[]} list @returns {number | undefined} */
const mean = (list) => (list.length ? list.reduce((sum, one) => sum + one, 0) / list.length : undefined);

/**
 * Give each item of the columns its `y`: near what is before and after it.
 * @param {Item[][]} columns
 * @param {Map<Item, Part[]>} before  the parts that end at an item
 * @param {Map<Item, Part[]>} after  the parts that start there
 */
function place(columns, before, after) {
  for (let pass = 0; pass < PASSES; pass++) {
    const isForward = pass % 2 === 0;
    for (const column of isForward ? columns : columns.toReversed()) {
      const wishes = column.map((item) => {
        const left = isForward || pass > 1 ? (before.get(item) ?? []).map(({ from }) => from.y) : [];
        const right = !isForward || pass > 1 ? (after.get(item) ?? []).map(({ to }) => to.y) : [];
        return mean([...left, ...right]) ?? item.y;
      });
      settle(column, wishes);
    }
  }
}

/**
 * As near to the wishes as the order and the heights allow: neighbours that would overlap move as one block.
 * @param {Item[]} column
 * @param {number[]} wishes
 */
function settle(column, wishes) {
  let offset = 0;
  const offsets = column.map((item, nth) => {
    const above = column[nth - 1];
    if (above) offset += (above.height + item.height) / 2 + BETWEEN;
    return offset;
  });
  /** @type {{sum: number, count: number}[]} */
  const blocks = [];
  for (const [nth, wish] of wishes.entries()) {
    let block = { sum: wish - offsets[nth], count: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.count > block.sum / block.count; last = blocks.at(-1)) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  let nth = 0;
  for (const { sum, count } of blocks)
    for (const end = nth + count; nth < end; nth++) column[nth].y = sum / count + offsets[nth];
}

/** Move everything into the sheet; its height. @param {Map<string, Item>} items */
function stretch(items) {
  const all = [...items.values()];
  let [top, bottom] = [Infinity, 0];
  for (const { y, height } of all) top = Math.min(top, y - height / 2);
  for (const item of all) {
    item.y = Math.round(item.y + MARGIN - top);
    bottom = Math.max(bottom, item.y + item.height / 2);
  }
  return Math.ceil(bottom) + MARGIN;
}

/**
 * The left and right side of each level, and of the whole.
 * @param {Item[][]} columns
 * @param {Part[]} parts
 */
function across(columns, parts) {
  const gaps = new Map();
  for (const { from, label } of parts)
    if (from.spot && label !== "good")
      gaps.set(from.level, Math.max(gaps.get(from.level) ?? 0, COLUMN_GAP + Math.round(LABEL_LETTER * label.length)));
  /** @type {Map<number, {left: number, right: number}>} */
  const at = new Map();
  let left = MARGIN;
  for (const column of columns) {
    const width = Math.max(...column.map(({ spot }) => spot?.width ?? 0));
    for (const { spot } of column) if (spot) spot.left = left;
    for (const { spot } of column) if (spot && !spot.cells.length) spot.width = width > NODE_MAX ? spot.width : width;
    at.set(column[0].level, { left, right: left + width });
    left += width + (gaps.get(column[0].level) ?? COLUMN_GAP);
  }
  const last = at.get(columns.at(-1)?.[0].level ?? 0);
  for (const { spot, y } of columns.flat()) if (spot) spot.top = y - spot.height / 2;
  return { width: (last?.right ?? 0) + MARGIN, at };
}

/** A spot with its cells in place. @param {Spot} spot @returns {Spot} */
const moved = (spot) => ({
  ...spot,
  cells: spot.cells.map((cell) => ({ ...cell, left: cell.left + spot.left, top: cell.top + spot.top })),
});

/** @typedef {Map<number, {left: number, right: number}>} Sides */

/**
 * @param {Part[]} parts
 * @param {Map<Item, Part[]>} ins  the parts that end at an item
 * @param {Map<Item, Part[]>} outs  the parts that start there
 * @param {Sides} at
 */
function linesOf(parts, ins, outs, at) {
  /** Trunks between two columns, each in a lane of its own. @type {Map<number, Item[]>} */
  const lanes = new Map();
  return parts.map((part) => {
    const { from, to } = part;
    const [start, end] = [
      { x: rightOf(from, at), y: from.y },
      { x: leftOf(to, at), y: to.y },
    ];
    const isTall = Math.abs(end.y - start.y) > FAN_TALL;
    const many = [outs.get(from)?.length ?? 0, ins.get(to)?.length ?? 0];
    const hub = isTall || Math.max(...many) > FAN_MAX ? (many[0] >= many[1] ? from : to) : null;
    let path = `M${start.x},${start.y}`;
    let middle = (start.x + end.x) / 2;
    if (hub) {
      const known = lanes.get(from.level) ?? [];
      lanes.set(from.level, known);
      if (!known.includes(hub)) known.push(hub);
      middle = start.x + ((end.x - start.x) * (1 + (known.indexOf(hub) % 5))) / 6;
      path += `H${middle}V${end.y}H${end.x}`;
    } else {
      path += `C${middle},${start.y} ${middle},${end.y} ${end.x},${end.y}`;
    }
    if (!to.spot) path += `H${at.get(to.level)?.right}`;
    const label = from.spot && part.label !== "good" ? part.label : "";
    return {
      key: `${from.key} ${to.key} ${part.label}`,
      sources: part.sources,
      path,
      tip: to.spot ? tip(end.x, end.y) : "",
      label,
      x: hub ? (middle + end.x) / 2 : middle,
      y: hub ? end.y : (start.y + end.y) / 2,
      box: {
        left: start.x,
        top: Math.min(start.y, end.y),
        right: to.spot ? end.x : (at.get(to.level)?.right ?? end.x),
        bottom: Math.max(start.y, end.y),
      },
    };
  });
}

/**
 * An edge to the same column or an earlier one: below everything.
 * @param {Part} part
 * @param {Sides} at
 * @param {number} bottom
 */
function loop({ from, to, label, sources }, at, bottom) {
  const [x, end] = [rightOf(from, at), leftOf(to, at)];
  return {
    key: `${from.key} ${to.key} ${label}`,
    sources,
    path:
      `M${x},${from.y}C${x + LOOP_OUT},${from.y} ${x + LOOP_OUT},${bottom} ${x},${bottom}H${end}` +
      `C${end - LOOP_OUT},${bottom} ${end - LOOP_OUT},${to.y} ${end},${to.y}`,
    tip: tip(end, to.y),
    label: label === "good" ? "" : label,
    x: (x + end) / 2,
    y: bottom,
    box: { left: end - LOOP_OUT, top: Math.min(from.y, to.y), right: x + LOOP_OUT, bottom },
  };
}

/** @param {Item} item @param {Sides} at */
const rightOf = ({ spot, level }, at) => (spot ? spot.left + spot.width : (at.get(level)?.right ?? 0));
/** @param {Item} item @param {Sides} at */
const leftOf = ({ level }, at) => at.get(level)?.left ?? 0;

/** The head of an arrow that ends at a point. @param {number} x @param {number} y */
const tip = (x, y) => `M${x},${y}l${-TIP},${TIP / 2}v${-TIP}z`;
