// Items of the datastore on their way through the browser: what they contain, and what a person typed and did not
// save yet, which neither another page nor a new login loses.
import { Problem, get, request, seg } from "./api.js";
import { faultOf } from "./json.js";
import { changed, editable } from "./values.js";

/** @typedef {import("./types/schemas").FlyteItem} FlyteItem */
/** @typedef {{bytes: Blob, text: string | null, etag: string}} Content  text: null where it is binary */
/**
 * @typedef {{key: string, type: string, description: string, text: string, file: File | null, base: Content | null}}
 *   Draft  text: as it is edited; base: what it began with, null for a new item
 */

/** Bytes that a host stores of an item. */
export const BYTES_MAX = 2 * 1024 * 1024;
const KEY_BYTES_MAX = 4096;
/** Characters of a text that is edited although it has some that a field would change. */
const ODD_MAX = 200_000;
const EXACT = /^[\t\n\x20-\x7e]*$/;

/** By the key of the item, or "" for a new one. @type {Map<string, Draft>} */
export const drafts = new Map();

addEventListener("beforeunload", (event) => {
  if (drafts.size) event.preventDefault();
});

/** The content of an item, with the version that has it. @param {string} key @returns {Promise<Content>} */
export async function contentOf(key) {
  const reply = await request(`flyte/items/${seg(key)}/content`);
  const bytes = await reply.arrayBuffer();
  return { bytes: new Blob([bytes]), text: textOf(new Uint8Array(bytes)), etag: reply.headers.get("ETag") ?? "" };
}

/** An item and its content; null where there is none any more. @param {string} key */
export async function itemOf(key) {
  try {
    const [item, content] = await Promise.all([get(`flyte/items/${seg(key)}`), contentOf(key)]);
    return { item: /** @type {FlyteItem} */ (item), content };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** Bytes as text; null where they are none. @param {Uint8Array} bytes */
function textOf(bytes) {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The beginning of an edit. @param {FlyteItem | null} item @param {Content | null} base @returns {Draft} */
export function draftOf(item, base) {
  const text = base && base.text !== null && isEditable(base) ? asEdited(base.text) : "";
  return {
    key: item?.key ?? "",
    type: item?.content_type ?? "application/json",
    description: item?.description ?? "",
    text,
    file: null,
    base,
  };
}

/** Whether a content can be edited as text without a change to what is not edited. @param {Content | null} base */
export const isEditable = (base) =>
  !base || (base.text !== null && (base.text.length <= ODD_MAX || EXACT.test(base.text)));

/** @param {string} text */
const asEdited = (text) => (EXACT.test(text) ? text : editable(text));

/** What is to be stored of a draft. @param {Draft} draft @returns {Blob} */
export function bodyOf({ file, base, text }) {
  if (file) return file;
  if (!base) return new Blob([text]);
  if (!isEditable(base) || base.text === null || text === asEdited(base.text)) return base.bytes;
  return new Blob([EXACT.test(base.text) ? text : changed(base.text, text)]);
}

/** Whether a type is one whose items templates read as objects. @param {string} type */
export const isJson = (type) => /^(application|text)\/json/.test(type);

/**
 * What is wrong with a draft, by field; `at` is the place in the text.
 * @param {Draft} draft
 * @returns {{key?: string, type?: string, text?: string, at?: number}}
 */
export function faultsOf(draft) {
  /** @type {ReturnType<typeof faultsOf>} */
  const found = {};
  if (!draft.key) found.key = "A key is needed.";
  else if (/^\.{1,2}$/.test(draft.key)) found.key = "No address can have a key that is one dot or two.";
  else if (new Blob([draft.key]).size > KEY_BYTES_MAX) found.key = "A key has at most 4 KiB.";
  if (!/^[\x20-\x7e]*$/.test(draft.type)) found.type = "A content type has ASCII characters only.";
  const { size } = bodyOf(draft);
  if (!size) found.text = "An item has at least one character: delete it instead.";
  else if (size > BYTES_MAX) found.text = "An item has at most 2 MiB.";
  else if (isJson(draft.type) && !draft.file && isEditable(draft.base)) {
    const fault = faultOf(draft.text);
    if (fault) {
      found.text = `This is not JSON: line ${fault.line}, column ${fault.column}: ${fault.what}.`;
      found.at = fault.at;
    }
  }
  return found;
}

/** What is allowed and hardly meant; empty for nothing. @param {Draft} draft */
export function doubtOf({ type, text, file, base }) {
  if (!isJson(type) || file || !isEditable(base) || !text.trim() || /^\s*\{/.test(text) || faultOf(text)) return "";
  return 'Templates read JSON items as objects: datastore() of this one is an error. Wrap it, as in {"list": […]}.';
}
