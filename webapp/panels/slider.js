// Selects the shown moment of a run: after any of its events, or now.
import { html } from "../html.js";
import { go, here } from "../route.js";
import { plain, plural } from "../text.js";
import { full, precise } from "../time.js";

/**
 * @param {{last: number, seq: number, fact: import("../types/api").Fact | null, over: boolean}} props
 *   last: the newest event; seq: the shown one; fact: its event, null for now; over: the run has ended
 */
export function Slider({ last, seq, fact, over }) {
  /** @param {number} to */
  const move = (to) => go(here({ seq: to >= last ? "" : String(Math.max(1, to)) }), { replace: true });
  const latest = over ? "end" : "now";
  const words = fact ? [fact.event, plain(fact.node), plain(fact.tag)].filter(Boolean).join(" ") : "";
  return html`<div class="slider">
    <button class="quiet" data-key="[" aria-label="Back one event" aria-disabled=${seq <= 1}
      onClick=${() => move(seq - 1)}>◂</button>
    <input type="range" min="1" max=${last} value=${seq} aria-label="Moment of the run" aria-valuetext=${
      fact ? `event ${seq} of ${last}, ${words}` : latest
    }
      onInput=${(/** @type {any} */ event) => move(Number(event.currentTarget.value))} />
    <button class="quiet" data-key="]" aria-label="On one event" aria-disabled=${seq >= last}
    onClick=${() => move(seq + 1)}>▸</button>
    <span class="slider-said">${
      fact
        ? html`<b>${seq}</b> of ${plural(last, "event")} · <time dateTime=${fact.at} title=${full(fact.at)}>
          ${precise(fact.at)}</time> · ${words}`
        : html`<span class="faint">${latest} · ${plural(last, "event")}</span>`
    }</span>
    ${fact && html`<button onClick=${() => move(last)}>Back to now</button>`}
  </div>`;
}
