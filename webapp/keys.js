// The keyboard: one key moves, searches or goes somewhere; `data-key` on an element makes a key click it.
import { ROOT, go } from "./route.js";

const ITEMS = "main .row-name, main .step, main .gantt-row";
const GO_MS = 1500;
/** @type {Record<string, string>} */
const PLACES = { n: ROOT, r: `${ROOT}/runs`, f: `${ROOT}/flows`, h: `${ROOT}/hosts`, t: `${ROOT}/tokens` };

let going = 0; // until when a letter after g is a place

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
  const { key } = event;
  if (going > Date.now() && PLACES[key]) {
    going = 0;
    go(PLACES[key]);
  } else if (key === "g") {
    going = Date.now() + GO_MS;
    return;
  } else if (key === "j" || key === "k") {
    move(key === "j" ? 1 : -1);
  } else if (key === "/") {
    search();
  } else {
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!(target instanceof HTMLElement)) return;
    target.click();
  }
  event.preventDefault();
});

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof Element)) return false;
  return target.closest("dialog[open]") !== null || (target.matches("input, textarea, select") && !target.matches('[type="range"], [type="checkbox"]'));
}

/** @param {number} by */
function move(by) {
  const items = [...document.querySelectorAll(ITEMS)].filter((item) => item instanceof HTMLElement && item.offsetParent);
  const at = items.indexOf(/** @type {Element} */ (document.activeElement));
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + by))];
  if (!(next instanceof HTMLElement)) return;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** To the field that searches on this page, else to the search of all runs. */
function search() {
  const field = document.querySelector("[data-search]");
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
    return;
  }
  go(`${ROOT}/runs`);
  requestAnimationFrame(() => {
    const there = document.querySelector("[data-search]");
    if (there instanceof HTMLElement) there.focus();
  });
}
