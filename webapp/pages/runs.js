// All runs, found by state, result, flow, host, time and text, a page at a time. The address is the filter.
import { useEffect } from "preact/hooks";
import { html } from "../html.js";
import { Behind } from "../panels/behind.js";
import { Filters, queryOf } from "../panels/filters.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { Row } from "../panels/row.js";
import { here, route } from "../route.js";
import { learn, runs } from "../state.js";
import { plural } from "../text.js";
import { useLoad, useTitle } from "../use.js";
import { turnover } from "../waits.js";

export function Runs() {
  useTitle("Runs");
  const { query } = route.value;
  const cursor = query.get("cursor") ?? "";
  // The first page is kept up to date; who reads on keeps what is read.
  const { data, error, again } = useLoad(`runs?${queryOf(query)}`, cursor ? "" : turnover.value);
  const loaded = /** @type {{runs: import("../types/api").Summary[], next: string, as_of?: import("../types/api").AsOf} | null} */ (data);
  useEffect(() => {
    if (loaded) learn(loaded.runs);
  }, [loaded]);
  return html`<h1>Runs</h1>
    <${Filters} query=${query} />
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${!loaded && !error && html`<${Loading} what="runs" />`}
    ${loaded && html`<${Behind} asOf=${loaded.as_of} />`}
    ${loaded && (loaded.runs.length
      ? html`<ul class="rows" aria-label="Runs">${loaded.runs.map((run) => html`<${Row} key=${run.id} run=${runs.value.get(run.id) ?? run} />`)}</ul>`
      : html`<${Empty} title=${loaded.next ? "None among those looked through so far" : "No run is like that"} />`)}
    ${loaded && html`<nav class="paging" aria-label="Pages of runs">
      ${cursor && html`<a class="button" href=${here({ cursor: "" })}>Newest</a>`}
      <span class="faint">${plural(loaded.runs.length, "run")}</span>
      ${loaded.next && html`<a class="button" href=${here({ cursor: loaded.next })}>Older</a>`}
    </nav>`}`;
}
