// Runs that wait for a host, grouped by reason.
import { html } from "../html.js";
import { runs } from "../state.js";
import { plain } from "../text.js";
import { when } from "../time.js";
import { pends } from "../waits.js";
import { Row } from "./row.js";
import { Said } from "./said.js";

const SHOWN = 5;

/** The age of what a host that is away last sent. @param {string | undefined} at */
const aged = (at) => (at ? html` <span class="faint">as of ${when(at)}</span>` : null);

/**
 * @param {{list: import("../types/api").Summary[]}} props  list: all known pending runs
 */
export function Pending({ list }) {
  const groups = pends.state.value.data?.pends ?? [];
  const grouped = new Set(groups.flatMap((group) => group.runs));
  const others = list.filter((run) => !grouped.has(run.id));
  const count = others.length + groups.reduce((sum, group) => sum + group.count, 0);
  if (!count) return null;
  return html`<section class="list"><h2>Pending <span class="count">${count}</span></h2>
    ${groups.map((group) => {
      const known = group.runs
        .map((id) => runs.value.get(id))
        .filter((run) => run !== undefined)
        .slice(0, SHOWN);
      const more = group.count - known.length;
      return html`<div class="pends" key=${group.runs[0]}><p class="pends-why">${
        group.count > 1 && html`<b>${plain(group.runs[0])}</b> `
      }<${Said} text=${group.text} />${aged(group.as_of)}</p>
        <ul class="rows">${known.map((run) =>
          run.id === group.runs[0]
            ? html`<${Row} key=${run.id} run=${run}>${""}</${Row}>`
            : html`<${Row} key=${run.id} run=${run} />`,
        )}</ul>${more > 0 && html`<p class="pends-more faint">and ${more} more behind them</p>`}</div>`;
    })}
    ${
      others.length > 0 && html`<ul class="rows">${others.map((run) => html`<${Row} key=${run.id} run=${run} />`)}</ul>`
    }
  </section>`;
}
