// The visible lines of an output and some around them, between two boxes with the estimated
// height of all others. The visible text stays in place on the screen even if lines above it
// wrap, arrive, or exceed the maximum height of a browser's element.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { here } from "../route.js";
import { OutputLine } from "./line.js";

const ROW_PX = 17;
const AROUND = 30;
const NEAR_END_PX = 24;
// In very tall elements browsers round to whole pixels or more; up to this height they keep quarters.
const SPACE_MAX_PX = 4_000_000;

/** @typedef {{from: number, to: number}} Target */

/**
 * @param {{output: import("../output.js").Output, following: boolean, follow: (yes: boolean) => void,
 *   target: Target | null, needle: string, wrap: boolean}} props
 */
export function Lines({ output, following, follow, target, needle, wrap }) {
  const { count, version } = output.shown.value;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const [top, setTop] = useState(1); // approximately the first visible line
  // The anchor: a line and its distance from the upper edge, which must not change.
  const anchor = useRef({ line: 1, at: 0 });
  const inView = Math.ceil((box.current?.clientHeight ?? 600) / ROW_PX);
  const first = Math.max(1, (following ? count - inView : top) - AROUND);
  const last = Math.min(count, (following ? count : top + inView) + AROUND);
  const each = Math.min(ROW_PX, SPACE_MAX_PX / count);

  const drawn = useRef({ first, top, count });
  drawn.current = { first, top, count };
  const look = () => {
    const { first, top, count } = drawn.current; // the current values, for later callbacks
    const [element, rows] = [box.current, body.current];
    if (!element || !rows) return;
    const upper = element.scrollTop;
    const [start, end] = [rows.offsetTop, rows.offsetTop + rows.offsetHeight];
    const part = upper / (element.scrollHeight - element.clientHeight);
    if (upper + element.clientHeight <= start || upper >= end)
      anchor.current = { line: 1 + Math.round(part * Math.max(0, count - element.clientHeight / ROW_PX)), at: 0 };
    else anchor.current = seen(rows, upper, first);
    const { line } = anchor.current;
    if (Math.abs(line - top) > AROUND / 2) setTop(line);
  };
  const onScroll = () => {
    const element = /** @type {HTMLElement} */ (box.current);
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX && last === count;
    look();
    if (atEnd !== following) follow(atEnd);
  };

  useLayoutEffect(() => {
    const [element, rows] = [box.current, body.current];
    if (!element || !rows) return;
    if (following) {
      element.scrollTop = element.scrollHeight;
      return;
    }
    const row = rows.children[anchor.current.line - first];
    if (!(row instanceof HTMLElement)) return;
    const off = row.offsetTop - element.scrollTop - anchor.current.at;
    if (Math.abs(off) >= 1) element.scrollTop += off;
  }, [first, last, version, following, wrap]);

  useEffect(() => output.want(first, last), [output, first, last, version]);

  // Its lower edge is that of the window, while the page is not scrolled.
  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (box.current);
    const fit = () => {
      const top = element.getBoundingClientRect().top + scrollY;
      element.style.setProperty("--top", `${Math.round(top)}px`);
    };
    fit();
    const watch = new ResizeObserver(fit);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, []);

  const aim = target ? `${target.from}-${target.to}` : "";
  useLayoutEffect(() => {
    if (!target || !count) return;
    const row = body.current?.children[target.from - first];
    const element = /** @type {HTMLElement} */ (box.current);
    if (
      row instanceof HTMLElement &&
      row.offsetTop >= element.scrollTop &&
      row.offsetTop + ROW_PX <= element.scrollTop + element.clientHeight
    )
      return;
    const line = Math.min(target.from, count);
    anchor.current = { line, at: Math.floor(element.clientHeight / 3) };
    setTop(line);
    follow(false);
    if (row instanceof HTMLElement) element.scrollTop = row.offsetTop - anchor.current.at;
  }, [aim, count > 0]);

  useEffect(() => {
    const watch = new ResizeObserver(() => (following ? box.current?.scrollTo(0, 1e9) : look()));
    watch.observe(/** @type {HTMLElement} */ (box.current));
    return () => watch.disconnect();
  }, [following]);

  const rows = [];
  const href = hrefOf(here({ line: "" }));
  for (let number = first; number <= last; number++) {
    rows.push(
      html`<${OutputLine} key=${number} number=${number} href=${href} line=${output.line(number)} needle=${needle}
        pointed=${target !== null && number >= target.from && number <= target.to} />`,
    );
  }
  return html`<div class=${
    wrap ? "output-lines is-wrapped" : "output-lines"
  } ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-label="Output" aria-live="off"
      style=${{ "--digits": String(String(count).length) }}>
    <div class="output-space" style=${{ height: `${(first - 1) * each}px` }}></div>
    <div class="output-rows" ref=${body}>${rows}</div>
    <div class="output-space" style=${{ height: `${(count - last) * each}px` }}></div>
  </div>`;
}

/** The URL of a line without its number: building one per line takes longer than drawing it. @param {string} page */
const hrefOf = (page) => `${page}${page.includes("?") ? "&" : "?"}line=`;

/**
 * The first visible row, and its position.
 * @param {HTMLElement} rows
 * @param {number} upper
 * @param {number} first
 */
function seen(rows, upper, first) {
  let [low, high] = [0, rows.children.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = /** @type {HTMLElement} */ (rows.children[middle]);
    if (row.offsetTop + row.offsetHeight > upper) high = middle;
    else low = middle + 1;
  }
  return { line: first + low, at: /** @type {HTMLElement} */ (rows.children[low]).offsetTop - upper };
}
