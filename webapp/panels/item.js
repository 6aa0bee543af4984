// One item of the datastore: its content as far as it is text, and what can be done to it.
import { useEffect, useState } from "preact/hooks";
import { BASE, remove, seg } from "../api.js";
import { contentOf } from "../items.js";
import { html } from "../html.js";
import { ROOT, go, here, route } from "../route.js";
import { asProblem } from "../state.js";
import { plain, size } from "../text.js";
import { ago, full } from "../time.js";
import { Confirm } from "./confirm.js";
import { ItemForm } from "./itemform.js";
import { Failure, Loading } from "./notice.js";

/** @typedef {import("../types/schemas").FlyteItem} FlyteItem */

/** Characters that are shown at once. */
const SHOWN = 20_000;

/** @param {{item: FlyteItem, again: () => void}} props */
export function Item({ item, again }) {
  const isEdited = route.value.query.has("edit");
  const key = plain(item.key);
  const path = `flyte/items/${seg(item.key)}`;
  const forget = async () => {
    await remove(path, { "If-Match": item.etag });
    go(`${ROOT}/datastore`);
  };
  return html`<header class="head"><div class="head-title"><h1 class="mono">${key}</h1>
      ${
        !isEdited &&
        html`<span class="head-acts">
          <a class="button is-main" href=${here({ edit: "1" })}>Edit</a>
          <a class="button" href=${`${BASE}/${path}/content`} download>Download</a>
          <${Confirm} name="Delete" title="Delete ${key}?" yes="Delete ${key}" no="Keep it" isBad act=${forget}>
            <p>A template that reads it is an error from then on: its step makes no action. Download it first if it
              may be needed again.</p></${Confirm}></span>`
      }</div>
    ${item.description && html`<p class="head-why">${plain(item.description)}</p>`}
    <p class="head-facts"><span>${plain(item.content_type)}</span><span>${size(item.bytes)}</span>
      <span>changed <time dateTime=${item.changed_at} title=${full(item.changed_at)}>${ago(item.changed_at)}</time> by
        ${" "}<b>${plain(item.changed_by)}</b></span>
      <span>added <time dateTime=${item.since} title=${full(item.since)}>${ago(item.since)}</time></span></p></header>
    ${
      isEdited
        ? html`<${ItemForm} item=${item} done=${() => {
            again();
            go(here({ edit: "" }), { replace: true });
          }} close=${() => {
            again();
            go(here({ edit: "" }), { replace: true });
          }} />`
        : html`<${Content} key=${item.etag} item=${item} />`
    }`;
}

/** @param {{item: FlyteItem}} props */
function Content({ item }) {
  const { content, error, again } = useContent(item);
  const [isWhole, showWhole] = useState(false);
  if (error) return html`<${Failure} error=${error} again=${again} />`;
  if (!content) return html`<${Loading} what="content" />`;
  if (content.text === null)
    return html`<p class="notice empty">Binary, ${size(item.bytes)}: it is not shown. Download it to look at it.</p>`;
  const isLong = content.text.length > SHOWN && !isWhole;
  return html`<figure class="item-content" aria-label="Content"><pre tabindex="0">${plain(
    isLong ? content.text.slice(0, SHOWN) : content.text,
  )}</pre>${
    isLong &&
    html`<figcaption>The first ${size(SHOWN)} of ${size(item.bytes)} are shown.
      ${" "}<button onClick=${() => showWhole(true)}>Show all</button></figcaption>`
  }</figure>`;
}

/** The content of a version of an item. @param {FlyteItem} item */
export function useContent(item) {
  const [state, set] = useState(
    /** @type {{content: import("../items.js").Content | null, error: import("../api.js").Problem | null}} */ ({
      content: null,
      error: null,
    }),
  );
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let isOver = false;
    contentOf(item.key).then(
      (content) => isOver || set({ content, error: null }),
      (error) => isOver || set({ content: null, error: asProblem(error) }),
    );
    return () => void (isOver = true);
  }, [item.key, item.etag, tries]);
  return { ...state, again: () => setTries((n) => n + 1) };
}
