// Keyboard focus: the feed may remove the focused element at any moment. Then the focus moves
// to an element near it, not to the top of the page.

/** Elements that j and k move through. */
export const ITEMS = "main .row-name, main .step, main .gantt-row";

/**
 * The last focused element, and its position among similar ones.
 * @type {{element: HTMLElement, href: string | null, at: number, near: Element[]} | null}
 */
let last = null;

/** The items of a page that the keyboard can focus. @returns {HTMLElement[]} */
export const items = () =>
  [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(ITEMS))].filter(
    (item) => item.offsetParent !== null,
  );

addEventListener("focusin", ({ target }) => {
  if (!(target instanceof HTMLElement)) return;
  const sheet = document.querySelector(".is-sheet");
  if (sheet && !sheet.contains(target) && !target.closest("dialog")) {
    into(sheet); // the sheet covers everything else
    return;
  }
  /** @type {Element[]} */
  const near = [];
  for (let around = target.parentElement; around; around = around.parentElement) near.push(around);
  last = {
    element: target,
    href: target.getAttribute("href"),
    at: target.matches(ITEMS) ? items().indexOf(target) : -1,
    near,
  };
});

addEventListener("keydown", (event) => {
  const sheet = document.querySelector(".is-sheet");
  if (event.key !== "Tab" || !sheet || document.querySelector("dialog[open]")) return;
  const stops = [
    .../** @type {NodeListOf<HTMLElement>} */ (sheet.querySelectorAll('a[href], button, input, [tabindex="0"]')),
  ].filter((stop) => stop.tabIndex >= 0 && stop.offsetParent);
  const [first, last] = [stops[0], stops.at(-1)];
  if (document.activeElement !== (event.shiftKey ? first : last)) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
});

// A click at nothing removes the focus.
addEventListener("pointerup", () => {
  if (document.activeElement === document.body) last = null;
});

new MutationObserver(() => {
  if (!last || last.element.isConnected || document.activeElement !== document.body) return;
  const { href, at, near } = last;
  last = null;
  const same = href ? document.querySelector(`main a[href="${CSS.escape(href)}"]`) : null;
  const there = at < 0 ? undefined : items();
  const next = same ?? there?.[Math.min(at, there.length - 1)] ?? inside(near);
  const into = next instanceof HTMLElement ? next : document.querySelector("main");
  into?.focus({ preventScroll: true }); // scrolling may have removed the element
}).observe(document, { childList: true, subtree: true });

/**
 * The first focusable element in the remaining surroundings, but not at the top of the page.
 * @param {Element[]} near
 */
function inside(near) {
  const left = near.find((element) => element.isConnected);
  if (!left?.parentElement?.closest("main, dialog")) return null;
  return left.querySelector("a[href], button, input, select, textarea, [tabindex]");
}

/** Move the focus into a sheet. @param {Element} sheet */
export function into(sheet) {
  const first = sheet.querySelector('[tabindex="0"]') ?? sheet.querySelector("button, a[href]");
  if (first instanceof HTMLElement) first.focus({ preventScroll: true });
}
