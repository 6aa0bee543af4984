// Other people's values on their way through the browser: none of them is changed by it.
import { pieces, plain } from "./text.js";

// Numbers that JavaScript may spell otherwise: beyond 2^53 it loses digits, and 1.0 becomes 1.
const SPELLED = /\d{16}|[[:,]\s*-?\d+[.eE]/;
/** Where the numbers are other people's. All others are ours, and counted with. */
const VALUES = new Set(["values", "inputs", "outputs", "value"]);

/** A number as it was written. */
class Spelled {
  /** @param {string} source */
  constructor(source) {
    this.source = source;
  }

  toJSON() {
    return /** @type {any} */ (JSON).rawJSON(this.source);
  }
}

/** JSON; in values, each number keeps its digits. @param {string} text @returns {any} */
export function read(text) {
  return SPELLED.test(text) ? counted(JSON.parse(text, /** @type {any} */ (kept))) : JSON.parse(text);
}

/** @param {string} _key @param {unknown} value @param {{source?: string}} [context] */
function kept(_key, value, context) {
  return typeof value === "number" && context?.source && context.source !== String(value)
    ? new Spelled(context.source)
    : value;
}

/** The same with plain numbers outside of values. @param {any} part @returns {any} */
function counted(part) {
  if (part instanceof Spelled) return Number(part.source);
  if (part && typeof part === "object") {
    for (const key of Object.keys(part)) if (!VALUES.has(key)) part[key] = counted(part[key]);
  }
  return part;
}

/** A value as text: a string is its own, anything else is JSON. @param {unknown} value @returns {string} */
export const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** A value for people to look at, with what hides in it made visible. @param {unknown} value */
export const shown = (value) => plain(textOf(value));

/** A text for people to change: as `shown`, and with the line ends that a form has. @param {string} text */
export const editable = (text) =>
  pieces(text)
    .map(({ seen }) => seen)
    .join("");

/**
 * What `original` has become when its editable form was changed to `edited`. What was left alone is
 * as it was, with its own line ends and hidden characters; new lines end as the first one did.
 * @param {string} original
 * @param {string} edited
 */
export function changed(original, edited) {
  const parts = pieces(original);
  let [first, last, from, to] = [0, parts.length, 0, edited.length];
  while (first < last && edited.startsWith(parts[first].seen, from)) from += parts[first++].seen.length;
  while (first < last && to - from >= parts[last - 1].seen.length && edited.endsWith(parts[last - 1].seen, to))
    to -= parts[--last].seen.length;
  const end = /\r\n?|\n/.exec(original)?.[0] ?? "\n";
  const left = [parts.slice(0, first), parts.slice(last)].map((some) => some.map(({ raw }) => raw).join(""));
  return left[0] + edited.slice(from, to).replaceAll("\n", end) + left[1];
}
