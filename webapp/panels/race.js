// An edit that found a different version: the new one beside what a person typed, and the choice between both.
import { useEffect, useRef } from "preact/hooks";
import { html } from "../html.js";
import { plain } from "../text.js";

/**
 * @typedef {{what: string, now: {item: import("../types/schemas").FlyteItem,
 *   content: import("../items.js").Content} | null}} There  now: null where it was deleted
 */

const SHOWN = 5000;

/** @param {{there: There, busy: boolean, isNew: boolean, replace: () => void, take: () => void}} props */
export function Race({ there: { what, now }, busy, isNew, replace, take }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), []);
  return html`<div class="form-error item-race" role="alert" ref=${place}><strong>${plain(what)}.</strong>
    ${" "}<span>Yours is not saved, and still in the fields.</span>
    ${
      now &&
      html`<details open><summary>The new version</summary><pre>${
        now.content.text === null ? "binary" : plain(now.content.text.slice(0, SHOWN))
      }</pre></details>`
    }
    <div class="form-buttons">
      <button type="button" class="is-bad" aria-disabled=${busy} onClick=${replace}>${
        now ? "Save mine in its place" : "Add mine again"
      }</button>
      <button type="button" onClick=${take}>${
        now ? (isNew ? "Drop mine and open it" : "Drop mine and edit that") : "Drop mine"
      }</button></div></div>`;
}
