// What of a scrolled element is in sight, for what is too long to be drawn whole. In steps, so
// that most of a scroll draws nothing.
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const STEP_PX = 80;
const AROUND_PX = 60;
/** After a jump what is around is drawn this much later: all at once would be one long task. */
const AROUND_MS = 50;
const CALM_MS = 1000;
/** Up to so many of a kind all are drawn: a browser's search and a tab key then find each. */
export const ALL_MAX = 200;

/**
 * @typedef {{left: number, top: number, right: number, bottom: number, width: number}} Sight  px of what is scrolled,
 *   and some around; width: of the element
 */

/** @type {Sight} */
const NONE = { left: 0, top: 0, right: 0, bottom: 0, width: 0 };

/**
 * @param {{current: HTMLElement | null}} box
 * @returns {[Sight, () => void]}  its `width` is 0 when it is not known yet; and to look at once: who
 *   scrolls by code draws then, and not within the frame that lays out and paints as well
 */
export function useViewport(box) {
  const [viewport, set] = useState(NONE);
  const looks = useRef(() => {});
  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (box.current);
    let shown = NONE;
    let later = 0;
    const look = () => {
      const near = viewportOf(element, AROUND_PX);
      const isFar = later > 0 || (shown.width > 0 && !meet(shown, near));
      shown = isFar ? viewportOf(element, 0) : near;
      set((old) => kept(old, shown));
      if (!isFar) return;
      clearTimeout(later);
      later = setTimeout(() => {
        later = 0;
        look();
      }, AROUND_MS);
    };
    const watch = new ResizeObserver(look);
    looks.current = look;
    look();
    watch.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      clearTimeout(later);
      watch.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  return [viewport, looks.current];
}

/** @param {HTMLElement} element @param {number} around @returns {Sight} */
function viewportOf({ scrollLeft, scrollTop, clientWidth, clientHeight }, around) {
  return {
    left: Math.floor(scrollLeft / STEP_PX) * STEP_PX - around,
    top: Math.floor(scrollTop / STEP_PX) * STEP_PX - around,
    right: Math.ceil((scrollLeft + clientWidth) / STEP_PX) * STEP_PX + around,
    bottom: Math.ceil((scrollTop + clientHeight) / STEP_PX) * STEP_PX + around,
    width: clientWidth,
  };
}

/** @param {Sight} a @param {Sight} b */
const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** The old one if it is the same: then nothing is drawn. @param {Sight} old @param {Sight} next */
const kept = (old, next) =>
  Object.entries(next).every(([name, value]) => old[/** @type {keyof Sight} */ (name)] === value) ? old : next;

/**
 * A value that is followed at most once a second, and in the end: what the eye is led to.
 * @template T @param {T} value @returns {T}
 */
export function useCalm(value) {
  const [calm, set] = useState(value);
  const since = useRef(0);
  useLayoutEffect(() => {
    if (value === calm) return;
    const act = () => {
      since.current = performance.now();
      set(value);
    };
    const timer = setTimeout(act, Math.max(0, since.current + CALM_MS - performance.now()));
    return () => clearTimeout(timer);
  }, [value, calm]);
  return calm;
}

/**
 * Of a list in rows of one height which part to draw, and the space before and after it. Scrolls
 * to the chosen one when that is another.
 * @param {{current: HTMLElement | null}} box  is scrolled; its rows are each a `li`
 * @param {number} count
 * @param {number} guess  how high a row is in px, until one is there to be measured
 * @param {number} chosen  or -1
 */
export function useRows(box, count, guess, chosen) {
  const [{ top, bottom, width }, look] = useViewport(box);
  const aim = useCalm(chosen);
  const [each, setEach] = useState(guess);
  const isLong = count > ALL_MAX;
  useLayoutEffect(() => {
    const row = isLong && box.current?.querySelector("li + li");
    if (row) setEach(row.getBoundingClientRect().height || guess);
  }, [isLong, width]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!isLong || !element || aim < 0) return;
    const at = aim * each;
    if (at >= element.scrollTop && at + each <= element.scrollTop + element.clientHeight) return;
    element.scrollTop = at - (element.clientHeight - each) / 2;
    look();
  }, [isLong, aim, each]);
  if (!isLong) return { first: 0, last: count, isLong, space: undefined };
  const last = Math.max(0, Math.min(count, Math.ceil(bottom / each)));
  const first = Math.max(0, Math.min(last, Math.floor(top / each)));
  return {
    first,
    last,
    isLong,
    space: { paddingTop: `${first * each}px`, paddingBottom: `${(count - last) * each}px` },
  };
}
