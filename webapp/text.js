// Wording, and other users' text: which characters are shown unchanged, and which are escaped.

// Nearly all text is ASCII and needs no further check.
const ASCII = /^[\t\n\x20-\x7e]*$/;
// Reordering and invisible characters can make a name look like a different one: control and format
// characters, line separators, halves of pairs, fillers that are drawn as nothing.
const TRICKS = /[^\P{C}\t\n\p{Co}\p{Cn}]|[\u2028\u2029\u115f\u1160\u2800\u3164\uffa0\u{e0100}-\u{e01ef}]/gu;
// Some scripts and many emoji need two of them.
const IN_SCRIPTS = /(?<=[\u0600-\u08ff\u0900-\u0dff\u0e80-\u109f\u1780-\u18af])[\u200c\u200d]/u;
const IN_EMOJI = /(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})/u;
const JOINED = new RegExp(`${IN_SCRIPTS.source}|${IN_EMOJI.source}`, "gu");

/** Other users' text with deceptive characters escaped. @param {unknown} value */
export function plain(value) {
  const text = String(value ?? "");
  if (ASCII.test(text)) return text;
  const joined = new Set(Array.from(text.matchAll(JOINED), ({ index }) => index));
  return text.replace(TRICKS, (char, at) => (joined.has(at) ? char : escaped(char)));
}

/**
 * The characters of a text, each with how it is shown; every kind of line end is shown as a new line.
 * @param {string} text
 */
export function pieces(text) {
  const joined = new Set(Array.from(text.matchAll(JOINED), ({ index }) => index));
  return Array.from(text.matchAll(/\r\n?|[^]/gu), ({ 0: raw, index }) => {
    if (raw[0] === "\r") return { raw, seen: "\n" };
    return { raw, seen: joined.has(index) ? raw : raw.replace(TRICKS, escaped) };
  });
}

/** The escape of a character, as in source code. @param {string} char */
function escaped(char) {
  const code = /** @type {number} */ (char.codePointAt(0)).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}

/** A size in bytes as text. @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** A number and its noun as text. @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** The type of a node or trigger as text, in the words of people. @param {string} type */
export const typeName = (type) => (type === "data" ? "form" : plain(type));

/** Why a node was skipped, as text; empty if it was not. @param {{state: string, why?: string}} node */
export const skipOf = ({ state, why }) => (state === "skipped" ? `skipped, since ${plain(why)}` : "");

/** How many nodes of a run ran, once it is over: `4 of 6 ran`, or on its page with nodes that were neither run nor
 * skipped `4 ran, 2 skipped, 1 never ran`; empty if none was skipped.
 * @param {import("./types/api").Summary & {nodes?: unknown[]}} run */
export function ranOf({ ran, skipped, nodes = [] }) {
  const never = nodes.length - ran - skipped;
  if (!skipped) return "";
  return never > 0 ? `${ran} ran, ${skipped} skipped, ${never} never ran` : `${ran} of ${ran + skipped} ran`;
}

/** The state of a run as text in one word, for people and for colours. @param {import("./types/api").Summary} run */
export function runState(run) {
  if (run.state === "pending") return "pending";
  if (run.phase === "resting") return "waiting";
  if (run.state === "active") return "running";
  return run.result ?? "stopped";
}
