// All runs, filtered by state, result, flow, host, time and text, page by page. The filters are in the URL.
import { useEffect } from "preact/hooks";
import { html } from "../html.js";
import { Behind } from "../panels/behind.js";
import { Filters, isFiltered, queryOf } from "../panels/filters.js";
import { First } from "../panels/first.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { Rows } from "../panels/rows.js";
import { here, route } from "../route.js";
import { learn, runs } from "../state.js";
import { plural } from "../text.js";
import { useLoad, useTitle } from "../use.js";
import { turnover } from "../waits.js";

export function Runs() {
  useTitle("Runs");
  const { query } = route.value;
  const cursor = query.get("cursor") ?? "";
  // Only the first page is kept up to date.
  const { data, error, again } = useLoad(`runs?${queryOf(query)}`, cursor ? "" : turnover.value);
  const loaded =
    /** @type {{runs: import("../types/api").Summary[], next: string, as_of?: import("../types/api").AsOf} | null} */ (
      data
    );
  useEffect(() => {
    if (loaded) learn(loaded.runs);
  }, [loaded]);
  return html`<h1>Runs</h1>
    <${Filters} query=${query} />
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${!loaded && !error && html`<${Loading} what="runs" />`}
    ${loaded && html`<${Behind} asOf=${loaded.as_of} />`}
    ${
      loaded &&
      (loaded.runs.length
        ? html`<${Rows} label="Runs" at="started" isFlat=${query.has("text")}
            list=${loaded.runs.map((run) => runs.value.get(run.id) ?? run)} />`
        : html`<${None} query=${query} next=${loaded.next} />`)
    }
    ${
      loaded &&
      html`<nav class="paging" aria-label="Pages of runs">
          ${cursor && html`<a class="button" href=${here({ cursor: "" })}>Newest</a>`}
          <span class="faint">${loaded.runs.length > 0 && plural(loaded.runs.length, "run")}</span>
          ${loaded.next && html`<a class="button" href=${here({ cursor: loaded.next })}>Older</a>`}
        </nav>`
    }`;
}

/** The reason for an empty list, and a hint. @param {{query: URLSearchParams, next: string}} props */
function None({ query, next }) {
  if (next)
    return html`<${Empty} title="No match among the runs searched so far">
      <p>Older runs may match: continue with <b>Older</b>.</p></${Empty}>`;
  if (!isFiltered(query)) return html`<${First} />`;
  return html`<${Empty} title="No run matches">
    <p>Widen the filters, or <a data-replace href=${location.pathname}>see all runs</a>.</p></${Empty}>`;
}
