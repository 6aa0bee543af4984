// Visible region of a scrolled element, for virtualised lists. It changes in steps, so
// that most scroll events draw nothing.
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const STEP_PX = 80;
const AROUND_PX = 60;
/** Delay for the surroundings after a jump: drawing all at once would be one long task. */
const AROUND_MS = 50;
const CALM_MS = 1000;
/** Lists up to this length are drawn completely, so that browser search and the tab key find each item. */
export const ALL_MAX = 200;

/**
 * @typedef {{left: number, top: number, right: number, bottom: number, width: number}} Sight  in px of the content,
 *   with a margin; width: of the element
 */

/** @type {Sight} */
const NONE = { left: 0, top: 0, right: 0, bottom: 0, width: 0 };

/**
 * @param {{current: HTMLElement | null}} box
 * @returns {[Sight, () => void]}  its `width` is 0 while unknown; and a function to update it at once: code that
 *   scrolls draws then, and not in the frame that also lays out and paints
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

/** The old object if nothing changed, so that nothing is drawn. @param {Sight} old @param {Sight} next */
const kept = (old, next) =>
  Object.entries(next).every(([name, value]) => old[/** @type {keyof Sight} */ (name)] === value) ? old : next;

/**
 * A value of the viewport that changes at most once a second and ends at the latest.
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
 * The rows in the viewport of a list with rows of one height, and the space around them. Scrolls to the chosen row
 * when it changes.
 * @param {{current: HTMLElement | null}} box  the scrolled element; each of its rows is a `li`
 * @param {number} count
 * @param {number} guess  height of a row in px before one is measured
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
