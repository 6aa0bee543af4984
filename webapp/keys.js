// Keyboard shortcuts: one key moves, searches or opens a page; `data-key` on an element lets a key click it.
import { items } from "./focus.js";
import { ROOT, go } from "./route.js";

const GO_MS = 1500;
const SEEK_FRAMES = 600;
/** @type {Record<string, string>} */
const PLACES = { n: ROOT, r: `${ROOT}/runs`, f: `${ROOT}/flows`, h: `${ROOT}/hosts`, t: `${ROOT}/tokens` };

let going = 0; // until then a letter after g opens a page

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
    const target = document.querySelector(`[data-key~="${CSS.escape(key)}"]`);
    if (!(target instanceof HTMLElement)) return;
    target.click();
  }
  event.preventDefault();
});

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof Element)) return false;
  return (
    target.closest("dialog[open]") !== null ||
    (target.matches("input, textarea, select") && !target.matches('[type="range"], [type="checkbox"]'))
  );
}

/** @param {number} by */
function move(by) {
  const all = items();
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  if (!next) return;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** Focus the search field of this page, else open the search of all runs. */
function search() {
  const field = document.querySelector("[data-search]");
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
    return;
  }
  go(`${ROOT}/runs`);
  requestAnimationFrame(() => seek(SEEK_FRAMES)); // after that page has taken the focus
}

/**
 * Focus the field once it exists: the code of its page may still load. @param {number} frames how long to wait for it
 */
function seek(frames) {
  const there = document.querySelector("[data-search]");
  if (there instanceof HTMLElement) there.focus();
  else if (frames) requestAnimationFrame(() => seek(frames - 1));
}
