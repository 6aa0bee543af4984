// One line of an output: its number, which is a link to it, and its text in its colours.
import { Component } from "preact";
import { legible } from "../colour.js";
import { classes, html } from "../html.js";
import { go, here } from "../route.js";
import { size } from "../text.js";

/**
 * @typedef {{number: number, href: string, line?: import("../output.js").Line, needle: string, pointed: boolean}}
 *   Props
 *    href: of a line, without its number; needle: a text to highlight
 */

/** Redrawn only when it has changed; scrolling moves most lines unchanged. */
export class OutputLine extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const before = /** @type {Props} */ (/** @type {unknown} */ (this.props));
    return (
      next.line !== before.line ||
      next.href !== before.href ||
      next.needle !== before.needle ||
      next.pointed !== before.pointed
    );
  }

  render() {
    const { number, href, line, needle, pointed } = /** @type {Props} */ (/** @type {unknown} */ (this.props));
    return html`<div class=${classes("output-line", pointed && "is-pointed")}>
      <a class="output-number" tabindex="-1" data-replace href=${href + number} onClick=${(
        /** @type {MouseEvent} */ event,
      ) => point(event, number)} aria-label="Line ${number}">${number}</a>
      <span class="output-text">${line?.spans.map((span) => drawn(span, needle))}${
        line && line.more > 0 && html`<i class="output-more"> … ${size(line.more)} more in this line</i>`
      }</span>
    </div>`;
  }
}

/** With shift: mark the range from the marked line to this one. @param {MouseEvent} event @param {number} number */
function point(event, number) {
  const from = Number.parseInt(new URLSearchParams(location.search).get("line") ?? "", 10);
  event.preventDefault();
  const line =
    event.shiftKey && from
      ? `${Math.min(from, number)}-${Math.max(from, number)}`
      : from === number
        ? ""
        : String(number);
  go(here({ line }), { replace: true });
}

/** @param {import("../ansi.js").Span} span @param {string} needle */
function drawn({ text, style }, needle) {
  const { fg, bg, bold, faint, italic, underline, inverse } = style;
  const inner = needle ? pointedOut(text, needle) : text;
  if (!(fg || bg || bold || faint || italic || underline || inverse)) return inner;
  const names = classes(
    bold && "is-bold",
    faint && !fg && !bg && "is-faint",
    italic && "is-italic",
    underline && "is-underlined",
  );
  const [front, back] = inverse ? [bg || "var(--sunken)", fg || "var(--ink)"] : [fg, bg];
  return html`<span class=${names || undefined} style=${{ color: legible(front, back), background: back || null }}>
    ${inner}</span>`;
}

/** @param {string} text @param {string} needle  in lower case */
function pointedOut(text, needle) {
  const lower = text.toLowerCase();
  /** @type {unknown[]} */
  const parts = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + needle.length)}</mark>`);
    from = at + needle.length;
  }
  return from ? [...parts, text.slice(from)] : text;
}
