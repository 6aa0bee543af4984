// The datastore: the items that templates of flyte's flows read, and the page of one of them.
import { useState } from "preact/hooks";
import { seg } from "../api.js";
import { html } from "../html.js";
import { FlyteNav } from "../panels/flytenav.js";
import { Item } from "../panels/item.js";
import { ItemForm } from "../panels/itemform.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { ROOT, go, here, itemHref, route } from "../route.js";
import { plain, plural, size } from "../text.js";
import { ago, full } from "../time.js";
import { useLoad, useTitle } from "../use.js";

/** @typedef {import("../types/schemas").FlyteItem} FlyteItem */
/** @typedef {import("../types/schemas").FlyteItems} FlyteItems */

const PAGE = 200;

/** @param {{id: string}} props  id: the key of an item; empty for the list */
export function Datastore({ id }) {
  return id ? html`<${OneItem} id=${id} />` : html`<${Items} />`;
}

function Items() {
  useTitle("Datastore");
  const { query } = route.value;
  const text = query.get("text") ?? "";
  const [limit, setLimit] = useState(PAGE);
  const asked = new URLSearchParams({ text, limit: String(Math.min(limit, 500)) });
  const { data, error, again } = useLoad(`flyte/items?${asked}`);
  const last = useKept(/** @type {FlyteItems | null} */ (data));
  const isNew = query.has("new");
  return html`<header class="head-title"><h1>Datastore</h1>${
    !isNew && html`<a class="button is-main" href=${here({ new: "1" })}>Add an item</a>`
  }</header>
    <${FlyteNav} at="datastore" />
    <p class="about">A template of a flow reads an item with <code>datastore('KEY')</code>: one of a JSON type as an
      object, any other as text. Packs and people change items, and the next event is judged by
      the new ones.</p>
    ${
      isNew &&
      html`<${ItemForm} item=${null} done=${(/** @type {string} */ key) => go(itemHref(key))}
      close=${() => go(here({ new: "" }), { replace: true })} />`
    }
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${!last && !error && html`<${Loading} what="items" />`}
    ${last?.old && html`<p class="behind" role="status">This list may be old: ${plain(last.old)}.</p>`}
    ${
      last &&
      last.all > 0 &&
      html`<form class="filters" role="search"
      onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}><label class="filter is-wide"><span>Text</span>
      <input type="search" data-search placeholder="part of a key or a description" value=${text}
        onInput=${(/** @type {any} */ event) => {
          setLimit(PAGE);
          go(here({ text: event.currentTarget.value }), { replace: true });
        }} /></label>
      <p class="faint" role="status">${countText(last)}</p></form>`
    }
    ${last && html`<${Listed} found=${last} text=${text} isNew=${isNew} />`}
    ${
      last &&
      last.items.length < last.count &&
      html`<p class="paging"><span class="faint">${
        limit < 500 ? `The first ${last.items.length} are shown.` : "Search for the others: 500 are shown at most."
      }</span>${limit < 500 && html`<button onClick=${() => setLimit(limit + PAGE)}>Show more</button>`}</p>`
    }`;
}

/** The last value that was there, so that a list does not vanish while the next one loads. @template T
 * @param {T | null} value @returns {T | null} */
function useKept(value) {
  const [kept, keep] = useState(value);
  if (value && value !== kept) keep(value);
  return value ?? kept;
}

/** @param {FlyteItems} found */
const countText = ({ count, all }) => (count === all ? plural(all, "item") : `${count} of ${plural(all, "item")}`);

/** @param {{found: FlyteItems, text: string, isNew: boolean}} props */
function Listed({ found, text, isNew }) {
  if (!found.all)
    return isNew
      ? null
      : html`<${Empty} title="No items yet"><p>Flows keep here what they look up: channels of teams, addresses,
        thresholds. <a href=${here({ new: "1" })}>Add the first one</a>, or send it as flyte's clients do:</p>
        <p><code>curl -X PUT -F 'value=@teams.json;type=application/json' …/flyte/v1/datastore/teams</code></p>
        </${Empty}>`;
  if (!found.items.length)
    return html`<${Empty} title="No item has ${plain(text)} in its key or description"><p>
      <a data-replace href=${here({ text: "" })}>All items</a></p></${Empty}>`;
  return html`<ul class="rows" aria-label="Items">${found.items.map(
    (item) => html`<li class="row is-item" key=${item.key}>
      <a class="row-name" href=${itemHref(item.key)}><b class="mono">${plain(item.key)}</b></a>
      <span class="item-about">${plain(item.description)}</span>
      <span class="item-type faint">${plain(item.content_type)}</span>
      <span class="row-took">${size(item.bytes)}</span>
      <span class="row-at" title=${`${full(item.changed_at)} by ${plain(item.changed_by)}`}>${ago(
        item.changed_at,
      )} by ${plain(item.changed_by)}</span></li>`,
  )}</ul>`;
}

/** @param {{id: string}} props */
function OneItem({ id }) {
  useTitle(id);
  const { data, error, again } = useLoad(`flyte/items/${seg(id)}`);
  const item = /** @type {FlyteItem | null} */ (data);
  return html`<p class="crumbs"><a href=${`${ROOT}/datastore`}>Datastore</a></p>
    ${!item && html`<h1 class="mono">${plain(id)}</h1>`}
    ${
      error?.status === 404
        ? html`<${Empty} title="There is no such item"><p>It may have been deleted, or its key is written differently.
            <a href=${`${ROOT}/datastore`}>All items</a></p></${Empty}>`
        : error && html`<${Failure} error=${error} again=${again} />`
    }
    ${!item && !error && html`<${Loading} what="item" />`}
    ${item && error?.status !== 404 && html`<${Item} item=${item} again=${again} />`}`;
}
