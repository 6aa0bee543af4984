// Words and other people's text: what may be shown as it is, and what must be made visible first.

// Reordering and invisible characters can make a name look like another one.
const TRICKS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Other people's text on one level with ours: tricks become visible. @param {unknown} value */
export function plain(value) {
  return String(value ?? "").replace(TRICKS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value of a form, an output or an option as one text. @param {unknown} value */
export function shown(value) {
  return plain(typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** The one word for where a run is, for people and for colours. @param {import("./types/api").Summary} run */
export function runState(run) {
  if (run.state === "pending") return "pending";
  if (run.state === "active") return "running";
  return run.good === null ? "stopped" : run.good ? "good" : "bad";
}
