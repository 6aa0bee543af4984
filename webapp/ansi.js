// Terminal output to styled text: colour and weight take effect (SGR), every other escape is
// dropped, and the rest is text. A library would return HTML; this returns spans.
import { plain } from "./text.js";

/**
 * @typedef {{fg: string, bg: string, bold: boolean, faint: boolean, italic: boolean, underline: boolean, inverse:
 *   boolean}} Style
 */
/** @typedef {{text: string, style: Style}} Span */

/** @type {Style} */
const PLAIN = { fg: "", bg: "", bold: false, faint: false, italic: false, underline: false, inverse: false };

// CSI, OSC and friends (up to BEL or ST, at most a line), other two-character escapes, a lone ESC.
const ESCAPE = /\x1b\[([0-9;:<=>?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g;
const LEVELS = [0, 95, 135, 175, 215, 255];

/**
 * The spans of a line with ANSI escapes, each in one style.
 * @param {string} line  without its line end
 * @param {Style} style in effect at the start of the line
 * @returns {Span[]}
 */
export function spansOf(line, style) {
  const text = overwritten(line);
  /** @type {Span[]} */
  const spans = [];
  let from = 0;
  for (const match of text.matchAll(ESCAPE)) {
    add(spans, text.slice(from, match.index), style);
    from = match.index + match[0].length;
    if (match[2] === "m") style = restyled(style, match[1]);
  }
  add(spans, text.slice(from), style);
  return spans;
}

/** The style of the numbers of an ANSI escape, as `1;32`. @param {string} codes */
export const styleOf = (codes) => (codes ? restyled(PLAIN, codes) : PLAIN);

/** The text that a terminal shows for a line with carriage returns: the last writing. @param {string} line */
function overwritten(line) {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}

/** @param {Span[]} spans @param {string} text @param {Style} style */
function add(spans, text, style) {
  if (text) spans.push({ text: plain(text), style });
}

/** @param {Style} style @param {string} codes @returns {Style} */
function restyled(style, codes) {
  const next = { ...style };
  const list = codes.split(/[;:]/).map(Number);
  for (let i = 0; i < list.length; i++) {
    const code = list[i];
    if (code === 0) Object.assign(next, PLAIN);
    else if (code === 1) next.bold = true;
    else if (code === 2) next.faint = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) next.inverse = true;
    else if (code === 22) next.bold = next.faint = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code === 27) next.inverse = false;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(list.slice(i + 1));
      next[code === 38 ? "fg" : "bg"] = colour;
      i += used;
    } else if (code === 39) next.fg = "";
    else if (code === 49) next.bg = "";
    else if (code >= 30 && code <= 37) next.fg = named(code - 30);
    else if (code >= 40 && code <= 47) next.bg = named(code - 40);
    else if (code >= 90 && code <= 97) next.fg = named(code - 82);
    else if (code >= 100 && code <= 107) next.bg = named(code - 92);
  }
  return next;
}

/** One of the sixteen colours, whose shades tokens.css adapts to the theme. @param {number} index */
const named = (index) => `var(--ansi-${index})`;

/** 5;n or 2;r;g;b, and the count of numbers used. @param {number[]} rest @returns {[string, number]} */
function extended(rest) {
  const byte = (/** @type {number} */ at) => Math.min(255, Math.max(0, rest[at] | 0));
  if (rest[0] === 2) return [`rgb(${byte(1)} ${byte(2)} ${byte(3)})`, 4];
  if (rest[0] !== 5) return ["", rest.length];
  const n = byte(1);
  if (n < 16) return [named(n), 2];
  if (n > 231) return [`rgb(${8 + (n - 232) * 10} ${8 + (n - 232) * 10} ${8 + (n - 232) * 10})`, 2];
  const cube = n - 16;
  const [r, g, b] = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => LEVELS[level]);
  return [`rgb(${r} ${g} ${b})`, 2];
}
