// A run on one line: every attempt of every node, from its start to now.
import { barsOf, placeOf } from "../bars.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { now } from "../time.js";

const BARS_MAX = 200;

/** @param {{run: import("../types/api").Detail}} props */
export function Mini({ run }) {
  const start = Date.parse(run.started_at ?? run.pended_at ?? "");
  const end = run.ended_at ? Date.parse(run.ended_at) : now.value;
  const busy = run.nodes.filter((node) => ["running", "asking", "retrying"].includes(node.state));
  const bars = run.nodes
    .filter((node) => node.entered_at)
    .flatMap((node) =>
      barsOf(node, end)
        .filter((bar) => bar.state !== "waits")
        .map((bar) => ({ ...bar, node })),
    );
  return html`<span class="mini">
    <span class="mini-track" aria-hidden="true">${bars.slice(-BARS_MAX).map(
      (bar) => html`<i class=${`mini-bar is-${bar.state}`} key=${`${bar.node.id} ${bar.what}`}
          title=${`${plain(bar.node.name || bar.node.id)}: ${bar.what}`}
          style=${{
            left: placeOf(bar.from, start, end),
            width: `max(3px, calc(${placeOf(bar.to, start, end)} - ${placeOf(bar.from, start, end)}))`,
          }}></i>`,
    )}</span>
    <span class="mini-now">${busy.map(
      (node, at) => html`${at > 0 && ", "}<span key=${node.id}>${plain(node.name || node.id)}</span>`,
    )}</span>
  </span>`;
}
