// A long list in chunks; a chunk far from the visible part is an empty box of the same height. For
// rows of any height; `useRows` is for rows of one height.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { ALL_MAX } from "../viewport.js";

const SIZE = 100;
const AROUND = "600px";

/**
 * @template T
 * @typedef {(rows: T[] | null, height: string | undefined, ref: import("preact").RefObject<HTMLElement | null>) =>
 *   unknown} Draw
 *   draws one element: with these rows, or empty with this height
 */

/**
 * @template T
 * @param {{list: T[], guess: number, draw: Draw<T>}} props  guess: height of a row in px before any is measured
 */
export function Chunks({ list, guess, draw }) {
  const starts = Array.from({ length: Math.ceil(list.length / SIZE) }, (_, nth) => nth * SIZE);
  return starts.map(
    (start) =>
      html`<${Chunk} key=${start} rows=${list.slice(start, start + SIZE)} isLong=${list.length > ALL_MAX} guess=${guess}
        draw=${draw} />`,
  );
}

/** @param {{rows: unknown[], isLong: boolean, guess: number, draw: Draw<unknown>}} props */
function Chunk({ rows, isLong, guess, draw }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const each = useRef(guess);
  const count = useRef(0);
  count.current = rows.length;
  const [isNear, set] = useState(!isLong);
  useLayoutEffect(() => {
    if (!isLong) return set(true);
    const element = /** @type {HTMLElement} */ (box.current);
    const look = (/** @type {IntersectionObserverEntry[]} */ seen) => {
      const { isIntersecting, boundingClientRect } = seen[seen.length - 1];
      if (!isIntersecting && element.contains(document.activeElement)) return;
      if (!isIntersecting && boundingClientRect.height) each.current = boundingClientRect.height / count.current;
      set(isIntersecting);
    };
    // For a scrolling box, not only the window; newer than the type definitions.
    const options = /** @type {IntersectionObserverInit} */ ({ rootMargin: AROUND, scrollMargin: AROUND });
    const watch = new IntersectionObserver(look, options);
    watch.observe(element);
    return () => watch.disconnect();
  }, [isLong]);
  return isNear ? draw(rows, undefined, box) : draw(null, `${rows.length * each.current}px`, box);
}
