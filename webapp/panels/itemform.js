// The form that adds or edits an item. Another's change is never overwritten unseen, and nothing typed is lost.
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, put, seg } from "../api.js";
import { classes, html } from "../html.js";
import { bodyOf, contentOf, doubtOf, draftOf, drafts, faultsOf, isEditable, itemOf } from "../items.js";
import { asProblem } from "../state.js";
import { plain, size } from "../text.js";
import { useAction } from "../use.js";
import { Failure, Loading } from "./notice.js";
import { Race } from "./race.js";

/** @typedef {import("../types/schemas").FlyteItem} FlyteItem */
/** @typedef {import("../items.js").Draft} Draft */

const TYPES = ["application/json", "text/plain; charset=utf-8", "application/x-yaml", "application/octet-stream"];

/**
 * @param {{item: FlyteItem | null, done: (key: string) => void, close: () => void}} props
 *   item: null for a new one; done: called when it is stored; close: called when the edit is given up
 */
export function ItemForm({ item, done, close }) {
  const name = item?.key ?? "";
  const [draft, setDraft] = useState(() => drafts.get(name) ?? (item ? null : draftOf(null, null)));
  const [error, setError] = useState(/** @type {Problem | null} */ (null));
  useEffect(() => {
    if (draft || !item) return;
    contentOf(item.key).then(
      (content) => setDraft(draftOf(item, content)),
      (problem) => setError(asProblem(problem)),
    );
  }, [name]);
  if (error) return html`<${Failure} error=${error} />`;
  if (!draft) return html`<${Loading} what="content" />`;
  return html`<${Editor} item=${item} start=${draft} wasKept=${drafts.has(name)} done=${done} close=${close} />`;
}

/**
 * @param {{item: FlyteItem | null, start: Draft, wasKept: boolean, done: (key: string) => void,
 *   close: () => void}} props
 */
function Editor({ item, start, wasKept, done, close }) {
  const name = item?.key ?? "";
  const [draft, setDraft] = useState(start);
  const [isTried, setTried] = useState(false);
  const [race, setRace] = useState(/** @type {import("./race.js").There | null} */ (null));
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const faults = isTried ? faultsOf(draft) : {};
  /** @param {Partial<Draft>} some */
  const change = (some) => {
    const next = { ...draft, ...some };
    drafts.set(name, next);
    setDraft(next);
  };
  const forget = () => {
    drafts.delete(name);
    close();
  };
  /** @param {string} etag  of the version that is replaced; empty for none */
  const store = async (etag) => {
    /** @type {Record<string, string>} */
    const version = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
    const path = `flyte/items/${seg(draft.key)}?description=${encodeURIComponent(draft.description)}`;
    try {
      await put(path, bodyOf(draft), { "Content-Type": draft.type, ...version });
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 412) throw problem;
      setRace({ what: problem.message, now: await itemOf(draft.key) });
      return;
    }
    drafts.delete(name);
    done(draft.key);
  };
  const save = useAction(() => store(draft.base?.etag ?? ""));
  const replace = useAction(() => store(race?.now?.item.etag ?? ""));
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    setTried(true);
    const found = faultsOf(draft);
    if (found.at !== undefined) {
      field.current?.focus();
      field.current?.setSelectionRange(found.at, Math.min(found.at + 1, draft.text.length));
    }
    if (!Object.keys(found).length) void save.run();
  };
  const takeTheirs = () => {
    drafts.delete(name);
    if (!race?.now) return close();
    if (!item) return done(draft.key);
    setDraft(draftOf(race.now.item, race.now.content));
    setRace(null);
  };
  const problem = save.error ?? replace.error;
  return html`<form class="form item-form" aria-label=${item ? "Edit the item" : "Add an item"} onSubmit=${onSubmit}
    novalidate>
    ${wasKept && html`<p class="faint" role="status">What you typed before is here again. It is not saved.</p>`}
    ${
      !item &&
      html`<${Field} id="item-key" label="Key" message=${faults.key} hint="any text, as in teams or owners/web">
      <input id="item-key" type="text" autocomplete="off" autocapitalize="none" spellcheck=${false} value=${draft.key}
        onInput=${(/** @type {any} */ event) => change({ key: event.currentTarget.value })} /></${Field}>`
    }
    <${Field} id="item-type" label="Content type" message=${faults.type}>
      <input id="item-type" type="text" list="item-types" autocomplete="off" spellcheck=${false} value=${draft.type}
        onInput=${(/** @type {any} */ event) => change({ type: event.currentTarget.value })} />
      <datalist id="item-types">${TYPES.map((type) => html`<option key=${type} value=${type} />`)}</datalist></${Field}>
    <${Field} id="item-description" label="Description" hint="optional">
      <input id="item-description" type="text" maxlength="2000" autocomplete="off" value=${draft.description}
        onInput=${(/** @type {any} */ event) => change({ description: event.currentTarget.value })} /></${Field}>
    <${Field} id="item-text" label="Content" message=${faults.text}>
      ${
        draft.file
          ? html`<p class="item-file">${plain(draft.file.name)}, ${size(draft.file.size)} ${" "}<button type="button"
              onClick=${() => change({ file: null })}>Do not use the file</button></p>`
          : isEditable(draft.base)
            ? html`<textarea id="item-text" class="mono" ref=${field} rows="14" spellcheck=${false}
                aria-invalid=${faults.text ? "true" : undefined} value=${draft.text}
                onInput=${(/** @type {any} */ event) => change({ text: event.currentTarget.value })}></textarea>`
            : html`<p class="faint">${
                draft.base?.text === null ? "Binary" : "Text with characters that a field of this size would change"
              }, ${size(draft.base?.bytes.size ?? 0)}: choose a file to replace it.</p>`
      }</${Field}>
    <${Field} id="item-file" label="Or the content of a file" hint="any type, at most 2 MiB">
      <input id="item-file" type="file" onChange=${(/** @type {any} */ event) => {
        const [file] = event.currentTarget.files;
        event.currentTarget.value = "";
        if (file) change(file.type && !item ? { file, type: file.type } : { file });
      }} /></${Field}>
    ${doubtOf(draft) && html`<p class="item-doubt" role="status">${doubtOf(draft)}</p>`}
    ${
      race &&
      html`<${Race} there=${race} busy=${replace.busy} isNew=${!item} replace=${replace.run} take=${takeTheirs} />`
    }
    ${problem && html`<${Failure} error=${problem} />`}
    <div class="form-buttons">
      <button class="is-main" aria-disabled=${save.busy}>${item ? "Save" : "Add the item"}</button>
      <button type="button" onClick=${forget}>Cancel</button></div>
  </form>`;
}

/** @param {{id: string, label: string, message?: string, hint?: string, children: any}} props */
function Field({ id, label, message, hint, children }) {
  return html`<div class=${classes("field", message && "is-wrong")}><label for=${id}>${label}${
    hint && html`${" "}<span class="optional">${hint}</span>`
  }</label>${children}${message && html`<p class="field-message" role="alert">${message}</p>`}</div>`;
}
