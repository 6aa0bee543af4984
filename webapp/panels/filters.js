// The filters of a list of runs; every choice goes into the URL at once.
import { useState } from "preact/hooks";
import { flowName } from "../flows.js";
import { html } from "../html.js";
import { narrow } from "../settings.js";
import { go, here } from "../route.js";
import { flows, hosts } from "../state.js";
import { plain } from "../text.js";

const PAGE = 50;
const RESULTS = ["good", "bad", "cancelled", "rejected", "stalled"];
// Behind a button; on a phone more of them.
const MORE = ["host", "since", "until"];
const MORE_NARROW = ["result", "flow", ...MORE];
const NAMES = ["state", "result", "flow", "host", "text"];

/** The query of GET runs for the filters in the query of this page. @param {URLSearchParams} query */
export function queryOf(query) {
  const asked = new URLSearchParams({ limit: String(PAGE) });
  for (const name of [...NAMES, "cursor"]) if (query.get(name)) asked.set(name, query.get(name) ?? "");
  for (const name of ["since", "until"]) {
    const at = new Date(query.get(name) ?? "");
    if (!Number.isNaN(at.getTime())) asked.set(name, at.toISOString());
  }
  return asked.toString();
}

/** Whether any filter is set. @param {URLSearchParams} query */
export const isFiltered = (query) => [...NAMES, "since", "until"].some((name) => query.get(name));

/** In the format of its field, else empty: a URL may contain anything. @param {string | null} text */
const minute = (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text ?? "") ? text : "");

/** @param {{query: URLSearchParams}} props */
export function Filters({ query }) {
  const [all, setAll] = useState(false);
  /** @param {string} name */
  const on = (name) => (/** @type {any} */ event) =>
    go(here({ [name]: event.currentTarget.value, cursor: "" }), { replace: true });
  /** @param {string} name @param {string} label @param {[string, string][]} options */
  const choice = (
    name,
    label,
    options,
  ) => html`<label class="filter"><span>${label}</span><select value=${query.get(name) ?? ""} onChange=${on(name)}>
    <option value="">any</option>${options.map(
      ([value, text]) => html`<option key=${value} value=${value}>${text}</option>`,
    )}</select></label>`;
  const names = [...new Set((flows.state.value.data?.flows ?? []).map(({ id }) => id))];
  /** Whether a group of filters is shown. @param {string[]} names */
  const isOpen = (names) => all || names.some((name) => query.get(name));
  const isWide = !narrow.value || isOpen(MORE_NARROW);
  const hasMore = isOpen(narrow.value ? MORE_NARROW : MORE);
  return html`<form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <label class="filter is-wide"><span>Text</span>
      <input type="search" data-search placeholder="title, value, flow, id, reason" value=${query.get("text") ?? ""}
        onInput=${on("text")} /></label>
    ${choice("state", "State", [
      ["pending", "pending"],
      ["active", "running"],
      ["archive", "ended"],
    ])}
    ${
      isWide &&
      html`${choice(
        "result",
        "Result",
        RESULTS.map((result) => [result, result]),
      )}
        ${choice(
          "flow",
          "Flow",
          names.map((id) => [id, plain(flowName(id))]),
        )}`
    }
    ${
      hasMore
        ? html`${choice(
            "host",
            "Host",
            (hosts.state.value.data?.hosts ?? []).map(({ id }) => [id, plain(id)]),
          )}
          <label class="filter"><span>From</span>
            <input type="datetime-local" value=${minute(query.get("since"))} onChange=${on("since")} /></label>
          <label class="filter"><span>To</span>
            <input type="datetime-local" value=${minute(query.get("until"))} onChange=${on("until")} /></label>`
        : html`<button type="button" class="quiet" onClick=${() => setAll(true)}>More filters</button>`
    }
    ${isFiltered(query) && html`<a class="button quiet" data-replace href=${location.pathname}>Clear</a>`}
  </form>`;
}
