// The form that sets a secret. The value is dropped as soon as the host has it.
import { useRef, useState } from "preact/hooks";
import { Problem, post, seg } from "../api.js";
import { html } from "../html.js";
import { plain, plural } from "../text.js";
import { useAction } from "../use.js";

/** A larger file is not read: the host takes at most 32 KiB. */
const FILE_MAX = 65_536;

/**
 * @param {{host: string, name: string, setName: (name: string) => void, known:
 *   import("../types/schemas").Secret[], done: () => void}} props  known: of the host; done: called when one is set
 */
export function SetSecret({ host, name, setName, known, done }) {
  const [typed, type] = useState("");
  // An input of one line would drop the line ends of a key: the text of a file, or pasted, is kept beside it.
  const [whole, keep] = useState(/** @type {{text: string, from: string} | null} */ (null));
  const [said, say] = useState("");
  const chosen = useRef(/** @type {HTMLInputElement | null} */ (null));
  const value = whole ? whole.text : typed;
  const isReady = Boolean(name && value);
  const clear = () => {
    type("");
    keep(null);
    if (chosen.current) chosen.current.value = "";
  };
  const set = useAction(async () => {
    say("");
    await post(`hosts/${seg(host)}/secrets`, { name, value });
    clear();
    setName("");
    say(`${name} is set.`);
    done();
  });
  const read = useAction(async () => {
    const file = chosen.current?.files?.[0];
    if (file) keep({ text: oneLine(await textOf(file)), from: file.name });
  });
  const error = set.error ?? read.error;
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    if (isReady) void set.run();
  };
  /** @param {ClipboardEvent} event */
  const onPaste = (event) => {
    const text = oneLine(event.clipboardData?.getData("text/plain") ?? "");
    if (!text.includes("\n")) return;
    event.preventDefault();
    keep({ text, from: "the clipboard" });
  };
  // Value: "new-password", since browsers fill in a saved password in spite of "off".
  const isNew = !known.some((one) => one.name === name && one.source === "vault");
  return html`<form class="form secret-form" onSubmit=${onSubmit} autocomplete="off">
    <div class="field"><label for="secret-name">Name</label>
      <input id="secret-name" type="text" required maxlength="63" autocomplete="off" autocapitalize="characters"
        spellcheck="false" placeholder="NPM_TOKEN" value=${name}
        onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value.trim())} /></div>
    <div class="field"><label for="secret-value">Value</label>
      <input id="secret-value" type="password" required autocomplete="new-password" readonly=${Boolean(whole)}
        value=${whole ? "" : typed}
        placeholder=${whole ? `${linesOf(whole.text)} from ${plain(whole.from)}` : ""}
        onInput=${(/** @type {any} */ event) => type(event.currentTarget.value)} onPaste=${onPaste} /></div>
    <div class="field"><label for="secret-file">Or the text of a file${" "}
        <span class="optional">for keys of several lines</span></label>
      <input id="secret-file" type="file" ref=${chosen} onChange=${read.run} /></div>
    ${
      error &&
      html`<div class="form-error" role="alert"><strong>${plain(error.message)}</strong>${
        error.hint && html` <span>${plain(error.hint)}</span>`
      }</div>`
    }
    <div class="form-buttons">
      <button class="is-main" aria-disabled=${set.busy || !isReady}>${
        isNew ? "Set the secret" : `Replace ${plain(name)}`
      }</button>
      ${whole && html`<button type="button" onClick=${clear}>Use a different value</button>`}
      <span role="status" class="secret-said">${plain(said)}</span>
    </div>
  </form>`;
}

/** @param {string} text */
const linesOf = (text) => plural(text.trimEnd().split("\n").length, "line");

/** The text of a file. Throws a Problem. @param {File} file */
async function textOf(file) {
  if (file.size > FILE_MAX) throw new Problem(0, { detail: `${file.name} has more than 64 KiB, a secret at most 32.` });
  const bytes = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Problem(0, { detail: `${file.name} is no UTF-8 text.`, hint: "Store binary data as base64." });
  }
}

/** A text without the line end behind it, if that is its only one, as `floe secret set` does. @param {string} text */
function oneLine(text) {
  const line = text.replace(/\r?\n$/, "");
  return line.includes("\n") ? text : line;
}
