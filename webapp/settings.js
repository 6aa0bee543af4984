// What this browser is set to: stored preferences, and the width of its page. No data of the host.
import { effect, signal } from "@preact/signals";

/**
 * A setting of this browser, stored; without storage it lasts for this visit.
 * @param {string} name
 * @param {string} instead
 */
export function kept(name, instead) {
  const value = signal(read(name) ?? instead);
  effect(() => write(name, value.value));
  return value;
}

/** @param {string} name */
function read(name) {
  try {
    return localStorage.getItem(`floe-${name}`);
  } catch {
    return null; // storage is disabled in this browser
  }
}

/** @param {string} name @param {string} value */
function write(name, value) {
  try {
    localStorage.setItem(`floe-${name}`, value);
  } catch {
    // storage is disabled: the choice lasts as long as the page
  }
}

const phone = matchMedia("(max-width: 700px)"); // the style sheets in css/ use the same number

/** Whether the page has the width of a phone, with one column. */
export const narrow = signal(phone.matches);
phone.addEventListener("change", () => (narrow.value = phone.matches));
