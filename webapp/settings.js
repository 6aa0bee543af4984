// What this browser remembers of its reader's taste; nothing of the host's.
import { effect, signal } from "@preact/signals";

/**
 * A choice that is kept; where the browser keeps nothing, for this visit.
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
    return null; // a browser that is told to keep nothing
  }
}

/** @param {string} name @param {string} value */
function write(name, value) {
  try {
    localStorage.setItem(`floe-${name}`, value);
  } catch {
    // likewise: the choice lasts as long as the page
  }
}
