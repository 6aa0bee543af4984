// Equal siblings of a graph, which are drawn as one stack. Pure.

/** @typedef {import("./types/api").GraphNode} GraphNode */
/**
 * @typedef {{id: string, name: string, level: number, members: GraphNode[]}} Unit  one node, or a stack of equal ones;
 *   id: of its first node
 */

/** Fewer equal siblings are drawn one by one. */
export const STACK_MIN = 12;

/**
 * The nodes of a graph in declared order. Nodes are equal if they are of one kind, wait for the same tags, and the
 * same nodes wait for the same results of them.
 * @param {import("./types/api").Graph} graph
 * @returns {Unit[]}
 */
export function unitsOf({ nodes, edges }) {
  /** @type {Map<string, string[]>} */
  const around = new Map(nodes.map(({ id, class: kind, type }) => [id, [`${kind} ${type}`]]));
  for (const { from, to, tag } of edges) {
    around.get(to)?.push(`after ${tag}`);
    around.get(from)?.push(`before ${to} ${labelOf(tag)}`);
  }
  const alike = Map.groupBy(nodes, ({ id }) => around.get(id)?.sort().join("\n"));
  const stacks = new Map(
    [...alike.values()]
      .filter(({ length }) => length >= STACK_MIN)
      .flatMap((members) => members.map((node) => [node, members])),
  );
  return nodes.flatMap((node) => {
    const members = stacks.get(node) ?? [node];
    if (members[0] !== node) return [];
    const name = members.length > 1 ? stemOf(members.map(nameOf)) || node.type : nameOf(node);
    return [{ id: node.id, name, level: node.level ?? 0, members }];
  });
}

/** The label of a tag in a stack: its last part, the result that it reports. @param {string} tag */
export const labelOf = (tag) => tag.slice(tag.lastIndexOf(".") + 1);

/** The name of a node, alone or in a stack. @param {GraphNode} node */
export const nameOf = (node) => node.name || node.id;

/** The name of a stack: the common beginning of names, without a number at its end. @param {string[]} names */
export function stemOf(names) {
  let [stem] = names;
  for (const name of names) while (!name.startsWith(stem)) stem = stem.slice(0, -1);
  return stem.replace(/[\d\s_:.#([-]+$/u, "");
}
