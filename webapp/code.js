// Code and style sheets that load when something first needs them: the first page waits for neither.
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

/** @typedef {{code: import("@preact/signals").Signal<any>, load: () => Promise<unknown>}} Later */

/** @type {Map<string, Promise<unknown>>} */
const sheets = new Map();

/** @param {string} name */
function sheet(name) {
  const known = sheets.get(name);
  if (known) return known;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `/app/css/${name}.css`;
  const comes = new Promise((done) => (link.onload = link.onerror = done));
  sheets.set(name, comes);
  document.head.append(link);
  return comes;
}

/**
 * Code of a component that is not loaded yet.
 * @param {() => Promise<unknown>} bring  imports it
 * @param {string[]} [styles]  names of its style sheets
 * @returns {Later}
 */
export function later(bring, styles = []) {
  const code = signal(/** @type {any} */ (null));
  /** @type {Promise<unknown> | null} */
  let comes = null;
  const load = () =>
    (comes ??= Promise.all([bring(), ...styles.map(sheet)]).then(
      ([component]) => (code.value = component),
      (error) => {
        comes = null; // the next use tries again
        throw error;
      },
    ));
  return { code, load };
}

/**
 * The component whose code loads later, once it is here, else null.
 * @param {Later | null} part  null: none is wanted
 */
export function useLater(part) {
  const known = part?.code.value ?? null;
  useLayoutEffect(() => {
    if (part && !known) void part.load();
  }, [part]);
  return known;
}
