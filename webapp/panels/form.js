// A form built from its fields, with the host's error messages at the fields.
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api.js";
import { classes, html } from "../html.js";
import { plain, plural } from "../text.js";
import { useAction } from "../use.js";
import { changed, editable, shown, textOf } from "../values.js";

/** @typedef {import("../types/api").Field} Field */
/**
 * @typedef {{name: string, kind: "main" | "good" | "bad", submit: (values: Record<string, unknown>) =>
 *   Promise<unknown>}} Choice
 */

let made = 0;

/**
 * @param {{fields: Field[], choices: Choice[], refused?: string | false, cancel?: () => void,
 *   changed?: (values: Record<string, unknown>) => void, children?: any}} props
 *   choices: the buttons; Enter triggers the first; refused: why none can be used; cancel: of a button that sends
 *   nothing; changed: gets the values as they would be sent; children: above the buttons
 */
export function FormPanel({ fields, choices, refused = false, cancel, changed: onChange, children }) {
  const [values, setValues] = useState(
    /** @returns {Record<string, unknown>} */ () =>
      Object.fromEntries(fields.map((field) => [field.id, initial(field)])),
  );
  const prefix = useRef("");
  prefix.current ||= `form-${++made}-`;
  const chosen = useRef(choices[0]);
  const { busy, error, run } = useAction(async () => {
    const all = sentOf(fields, values);
    refuseHalves(all);
    await chosen.current.submit(all);
  });
  const element = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    const wrong = element.current?.querySelector('[aria-invalid="true"]');
    if (wrong instanceof HTMLElement) wrong.focus();
  }, [error]);
  useEffect(() => onChange?.(sentOf(fields, values)), [values]);
  const messages = error?.fields ?? {};
  const others = Object.keys(messages).filter((id) => !fields.some((field) => field.id === id));
  const atFields = Object.keys(messages).length - others.length;
  /** @param {Choice} choice */
  const choose = (choice) => {
    if (refused) return;
    chosen.current = choice;
    void run();
  };
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    choose(choices[0]);
  };
  return html`<form class="form" ref=${element} onSubmit=${onSubmit} novalidate>
    ${fields.map(
      (field) => html`<${Input} key=${field.id} id=${prefix.current + field.id} field=${field} value=${values[field.id]}
          message=${Object.hasOwn(messages, field.id) ? messages[field.id] : ""}
        set=${(/** @type {unknown} */ value) => setValues((old) => ({ ...old, [field.id]: value }))} />`,
    )}
    ${children}
    ${
      error &&
      html`<div class="form-error" role="alert">
          <strong>${
            atFields ? `Not sent: ${plural(atFields, "field needs", "fields need")} a change.` : plain(error.message)
          }</strong>${error.hint && html` <span>${plain(error.hint)}</span>`}
          ${others.map((id) => html`<div>${plain(id)}: ${plain(messages[id])}</div>`)}
        </div>`
    }
    ${refused && html`<p class="form-refused" id=${`${prefix.current}refused`}>${refused}</p>`}
    <div class="form-buttons">${choices.map(
      (choice, at) => html`
        <button type=${at ? "button" : "submit"} class=${`is-${choice.kind}`} aria-disabled=${busy || Boolean(refused)}
          aria-describedby=${refused ? `${prefix.current}refused` : undefined}
          onClick=${at ? () => choose(choice) : undefined}>${choice.name}</button>`,
    )}
      ${cancel && html`<button type="button" onClick=${cancel}>Close</button>`}
    </div>
  </form>`;
}

/** @param {Field} field */
function initial(field) {
  if (field.type === "bool") return field.value === true || field.value === "true";
  if (field.type === "choice") return chosenAt(field);
  return given(field) ? editable(textOf(field.value)) : "";
}

/** @param {Field} field */
const given = (field) => field.value !== null && field.value !== undefined;

/** The index of the preselected choice: two choices may look the same. @param {Field} field */
function chosenAt(field) {
  /** @type {unknown[]} */
  const choices = field.choices;
  const at = choices.indexOf(field.value);
  return at < 0 ? "" : String(at);
}

/**
 * The value to send: the host validates it, so the typed text is sent unchanged.
 * @param {Field} field
 * @param {any} value
 */
function sent(field, value) {
  if (field.type === "bool") return value;
  if (field.type === "choice") return value === "" ? "" : field.choices?.[Number(value)];
  if (!given(field)) return value;
  const original = textOf(field.value);
  return value === initial(field) ? original : value && changed(original, value);
}

/** @param {Field[]} fields @param {Record<string, unknown>} values */
const sentOf = (fields, values) => Object.fromEntries(fields.map((field) => [field.id, sent(field, values[field.id])]));

/**
 * Refuses fields with a lone surrogate: it has no encoding, so it cannot be sent.
 *
 * @param {Record<string, unknown>} values
 */
function refuseHalves(values) {
  const wrong = Object.entries(values).filter(([, value]) => typeof value === "string" && !value.isWellFormed());
  const fields = Object.fromEntries(wrong.map(([id]) => [id, "contains half of a character pair; remove it"]));
  if (wrong.length) throw new Problem(422, { detail: "Some values cannot be sent.", fields });
}

/** @param {{id: string, field: Field, value: unknown, message?: string, set: (value: unknown) => void}} props */
function Input({ id, field, value, message, set }) {
  const text = /** @type {string} */ (value);
  const common = {
    id,
    required: field.required && field.type !== "bool", // an unticked box is an answer
    "aria-invalid": message ? "true" : undefined,
    "aria-describedby": message ? `${id}-message` : undefined,
  };
  const onInput = (/** @type {any} */ event) => set(event.currentTarget.value);
  const isOptional = !field.required && field.type !== "bool";
  const label = html`<label for=${id}>${plain(field.prompt || field.id)}${
    isOptional && html` <span class="optional">optional</span>`
  }</label>`;
  const problem = message && html`<p class="field-message" id=${`${id}-message`}>${plain(message)}</p>`;
  if (field.type === "bool") {
    return html`<div class=${classes("field", "is-bool", message && "is-wrong")}>
      <input ...${common} type="checkbox" checked=${Boolean(value)} onChange=${(/** @type {any} */ event) =>
        set(event.currentTarget.checked)} />${label}${problem}
    </div>`;
  }
  return html`<div class=${classes("field", message && "is-wrong")}>${label}${control()}${problem}</div>`;

  function control() {
    if (field.type === "text" || field.type === "list")
      return html`<textarea ...${common} rows="3" value=${text} onInput=${onInput}
        placeholder=${field.type === "list" ? "one value on each line, or JSON" : undefined}></textarea>`;
    if (field.type === "number")
      return html`<input ...${common} type="text" inputmode="decimal" value=${text} placeholder=${initial(field)}
        onInput=${onInput} />`;
    if (field.type === "choice") {
      return html`<select ...${common} value=${text} onChange=${onInput}>
        ${text === "" && html`<option value="">choose…</option>`}
        ${(field.choices ?? []).map(
          (choice, at) => html`<option key=${at} value=${String(at)}>
            ${shown(choice)}</option>`,
        )}
      </select>`;
    }
    return html`<input ...${common} type=${field.password ? "password" : "text"} value=${text}
      autocomplete=${field.password ? "new-password" : "off"} onInput=${onInput} />`;
  }
}
