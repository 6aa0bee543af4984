// The scale of a sheet in a scrolled box: at first as large as fits, within reason; then as the reader chooses.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useCalm, useViewport } from "./viewport.js";

/** @typedef {import("./layout.js").Plan} Plan */
/** @typedef {import("./layout.js").Place} Place */

/** Below this scale names are cut: a larger sheet scrolls instead. */
const LEGIBLE = 0.7;
const [LEAST, MOST] = [0.08, 2];
const STEP = 1.25;
const WHEEL = 0.0025;
/** Of the window: the output below it must have room. */
const [HEIGHT_MAX, HEIGHT_PART] = [384, 0.34];
const HEIGHT_MIN = 76;
/** Room around a place that is scrolled into view. */
const AROUND = 16;

/**
 * The zoom of a plan in a scrolled box.
 * @param {Plan} plan
 * @param {Place | undefined} aim  scrolled into view when it changes
 */
export function useZoom(plan, aim) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [viewport, look] = useViewport(box);
  const [chosen, setChosen] = useState(0); // 0: none is chosen
  const shownAim = useCalm(aim);
  const heightMax = Math.min(HEIGHT_MAX, HEIGHT_PART * innerHeight);
  const whole = viewport.width ? Math.min(1, viewport.width / plan.width, heightMax / plan.height) : 0;
  const first =
    whole >= LEGIBLE ? whole : viewport.width && Math.min(1, Math.max(LEGIBLE, viewport.width / plan.width));
  const scale = chosen || first;
  const anchor = useRef({ scale: 0, x: 0.5, y: 0.5 });

  /** @param {number} to @param {number} [x] @param {number} [y]  what stays where it is, as parts of the box */
  const set = (to, x = 0.5, y = 0.5) => {
    anchor.current = { scale, x, y };
    setChosen(Math.min(MOST, Math.max(LEAST, to)));
  };
  /** @param {Place} place */
  const show = (place) => {
    const element = box.current;
    if (!element) return;
    const [left, top] = [place.left * scale, place.top * scale];
    const [right, bottom] = [left + place.width * scale, top + place.height * scale];
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    const isIn =
      left >= scrollLeft && right <= scrollLeft + clientWidth && top >= scrollTop && bottom <= scrollTop + clientHeight;
    if (isIn) return;
    const isNear = left < scrollLeft + 2 * clientWidth && right > scrollLeft - clientWidth;
    element.scrollTo(
      isNear
        ? Math.min(left - AROUND, Math.max(scrollLeft, right + AROUND - clientWidth))
        : (left + right - clientWidth) / 2,
      Math.min(top - AROUND, Math.max(scrollTop, bottom + AROUND - clientHeight)),
    );
    look();
  };
  useLayoutEffect(() => {
    const element = box.current;
    const { scale: before, x, y } = anchor.current;
    if (!element || !before || before === scale) return;
    anchor.current = { ...anchor.current, scale: 0 };
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    element.scrollTo(
      ((scrollLeft + x * clientWidth) * scale) / before - x * clientWidth,
      ((scrollTop + y * clientHeight) * scale) / before - y * clientHeight,
    );
    look();
  }, [scale]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!shownAim || !element || !scale) return;
    const { left, top, width, height } = shownAim;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    if (
      left * scale >= scrollLeft &&
      (left + width) * scale <= scrollLeft + clientWidth &&
      top * scale >= scrollTop &&
      (top + height) * scale <= scrollTop + clientHeight
    )
      return;
    element.scrollTo((left + width / 2) * scale - clientWidth / 2, (top + height / 2) * scale - clientHeight / 2);
    look();
  }, [shownAim?.id, scale > 0]);

  const wheel = useRef((/** @type {WheelEvent} */ _event) => {});
  wheel.current = (event) => {
    const element = box.current;
    if (!element || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault(); // else the browser zooms the page
    const { left, top, width, height } = element.getBoundingClientRect();
    set(scale * Math.exp(-event.deltaY * WHEEL), (event.clientX - left) / width, (event.clientY - top) / height);
  };
  useLayoutEffect(() => {
    const element = box.current;
    /** @param {WheelEvent} event */
    const onWheel = (event) => wheel.current(event);
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, []);

  const height = Math.min(heightMax, Math.max(HEIGHT_MIN, Math.ceil(plan.height * (first || 1))));
  const overflows = scale > 0 && (plan.width * scale > viewport.width + 1 || plan.height * scale > height + 1);
  return {
    box,
    scale,
    height: `${height + 2}px`, // with its border
    overflows,
    /** A sheet that fits in full size needs no other size. */
    canZoom: whole > 0 && (whole < 1 || chosen > 0),
    /** Larger or smaller by a step. @param {number} steps */
    by: (steps) => set(scale * STEP ** steps),
    /** All of it, however small. */
    fit: () => set(whole),
    show,
    /** Whether a part of the sheet is in sight. @param {import("./layout.js").Box} part */
    seen: ({ left, top, right, bottom }) =>
      right * scale >= viewport.left &&
      left * scale <= viewport.right &&
      bottom * scale >= viewport.top &&
      top * scale <= viewport.bottom,
  };
}
