// The answers that people gave to forms, in a few words.
import { plain } from "./text.js";
import { minute } from "./time.js";
import { shown } from "./values.js";

/** @typedef {import("./types/api").RunNode} RunNode */

const VALUES = 3;
const VALUE_MAX = 40;

/** `approved by ada, 16:51, ticket OPS-77`; empty for a node that no person answered. @param {RunNode} node */
export function answerOf(node) {
  if (!node.by) return "";
  if (!node.good) return `${plain(node.why)}, ${minute(node.ended_at)}`;
  const values = Object.entries(node.outputs ?? {})
    .filter(([, value]) => value !== "" && value !== null)
    .slice(0, VALUES)
    .map(([name, value]) => `${plain(name)} ${short(shown(value))}`);
  return [`approved by ${plain(node.by)}`, minute(node.ended_at), ...values].join(", ");
}

/** @param {string} text */
const short = (text) => (text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX - 1)}…` : text);
