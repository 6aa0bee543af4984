// All of a graph that is larger than its box, very small, with the part that is shown; a click shows a different one.
import { useLayoutEffect, useMemo, useState } from "preact/hooks";
import { html } from "../html.js";

const [WIDTH, HEIGHT] = [160, 84];

/**
 * @param {{plan: import("../layout.js").Plan, states: Map<string, import("../types/api").RunNode>,
 *   box: {current: HTMLElement | null}, scale: number}} props
 */
export function Minimap({ plan, states, box, scale }) {
  const [part, set] = useState({ x: 0, y: 0, width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => {
      const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
      set({
        x: scrollLeft / scale,
        y: scrollTop / scale,
        width: Math.min(plan.width, clientWidth / scale),
        height: Math.min(plan.height, clientHeight / scale),
      });
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      watch.disconnect();
    };
  }, [plan, scale]);
  /** @param {PointerEvent} event */
  const move = (event) => {
    if (!event.buttons || !(event.currentTarget instanceof Element)) return;
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const element = box.current;
    element?.scrollTo(
      ((event.clientX - left) / width) * plan.width * scale - element.clientWidth / 2,
      ((event.clientY - top) / height) * plan.height * scale - element.clientHeight / 2,
    );
  };
  const each = Math.min(WIDTH / plan.width, HEIGHT / plan.height);
  const size = { width: Math.max(24, plan.width * each), height: Math.max(12, plan.height * each) };
  const looks = useMemo(() => looksOf(plan, states), [plan, states]);
  return html`<svg class="minimap" aria-hidden="true" viewBox=${`0 0 ${plan.width} ${plan.height}`}
    preserveAspectRatio="none" width=${size.width} height=${size.height} onPointerDown=${move} onPointerMove=${move}>
    ${looks}
    <rect class="minimap-part" ...${part} />
  </svg>`;
}

/**
 * One path for each state.
 * @param {import("../layout.js").Plan} plan
 * @param {Map<string, import("../types/api").RunNode>} states
 */
function looksOf(plan, states) {
  const places = plan.spots.flatMap((spot) =>
    spot.cells.length ? spot.cells : [{ ...spot, id: spot.unit.members[0].id }],
  );
  return [...Map.groupBy(places, ({ id }) => states.get(id)?.state ?? "none")].map(
    ([state, list]) =>
      html`<path key=${state} class=${`is-${state}`} d=${list
        .map(({ left, top, width, height }) => `M${left},${top}h${width}v${height}h${-width}z`)
        .join("")} />`,
  );
}
