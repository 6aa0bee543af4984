// Where a text stops being JSON: browsers name the place in different words, or not at all.

/** @typedef {{line: number, column: number, at: number, what: string}} Fault */

const SPACE = /[ \t\n\r]*/y;
const TEXT = /"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"/y;
const WORD = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
const CLOSES = { "{": "}", "[": "]" };

/** What is wrong with a text as JSON, first of all; null for nothing. @param {string} text @returns {Fault | null} */
export function faultOf(text) {
  try {
    JSON.parse(text);
    return null;
  } catch {
    const { at, what } = scanned(text);
    return { ...placeOf(text, at), at, what };
  }
}

/** The line and column of a place in a text, both from 1. @param {string} text @param {number} at */
export function placeOf(text, at) {
  const before = text.slice(0, at).split(/\r\n?|\n/);
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/** The first place where a text is not JSON, and why. @param {string} text */
function scanned(text) {
  /** @type {("{" | "[")[]} */
  const open = [];
  let at = 0;
  let needed = "value";
  let isFirst = false; // of its object or list
  /** @param {RegExp} pattern */
  const skip = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  };
  for (;;) {
    skip(SPACE);
    const char = text[at];
    const inner = open[open.length - 1];
    if (char === undefined) return { at, what: open.length ? `${CLOSES[inner]} is missing` : `a ${needed} is missing` };
    if (needed === "end") return { at, what: "nothing may follow the value" };
    if (needed === ":" || needed === ",") {
      if (needed === "," && char === CLOSES[inner]) {
        open.pop();
        at += 1;
        needed = open.length ? "," : "end";
      } else if (char === needed) {
        at += 1;
        needed = needed === "," && inner === "{" ? "name" : "value";
      } else {
        return { at, what: needed === ":" ? "a colon is missing" : `a comma or ${CLOSES[inner]} is missing` };
      }
      continue;
    }
    const isEmpty = isFirst && char === CLOSES[inner];
    isFirst = false;
    if (isEmpty) {
      needed = ","; // it ends as a full one does
    } else if (needed === "name") {
      if (!skip(TEXT)) return { at, what: 'a name in "double quotes" is missing' };
      needed = ":";
    } else if (char === "{" || char === "[") {
      open.push(char);
      isFirst = true;
      at += 1;
      needed = char === "{" ? "name" : "value";
    } else {
      if (!skip(TEXT) && !skip(WORD)) return { at, what: wrongValue(char) };
      needed = open.length ? "," : "end";
    }
  }
}

/** @param {string} char */
function wrongValue(char) {
  if (char === '"') return "the text has no end, or a character that needs a backslash";
  if (char === "'") return "a text is in double quotes";
  if (char === "]" || char === "}") return "a value is missing: no comma may stand before the end";
  return "this is no value: a text is in double quotes";
}
