// Users' values on their way through the browser, which changes none of them.
import { pieces, plain } from "./text.js";

// Numbers that JavaScript may write differently: beyond 2^53 it loses digits, and 1.0 becomes 1.
const SPELLED = /\d{16}|[[:,]\s*-?\d+[.eE]/;
/** Members whose numbers are users' values. All other numbers are floe's, and used for arithmetic. */
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

/** Parse JSON with values: in these, each number keeps its digits. @param {string} text @returns {any} */
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

/** A value as text: a string unchanged, any other type as JSON. @param {unknown} value @returns {string} */
export const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** A value for display, with hidden characters escaped. @param {unknown} value */
export const shown = (value) => plain(textOf(value));

/** A text for editing: as in `shown`, with the line ends of a form field. @param {string} text */
export const editable = (text) =>
  pieces(text)
    .map(({ seen }) => seen)
    .join("");

/**
 * The new value of `original` after its editable form was changed to `edited`. Unchanged parts stay exact, with
 * their line ends and hidden characters; new lines end like the first one.
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
