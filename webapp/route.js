// The URL is the state of the page: path for the page, query for the choices on it.
import { signal } from "@preact/signals";

export const ROOT = "/app/dash";

/**
 * @typedef {{page: "now"|"flows"|"flow"|"run"|"runs"|"hosts"|"secrets"|"tokens"|"datastore"|"inbox"|"packs"|
 *   "flyteflow"|"lost", id: string, query: URLSearchParams}} Route
 */

/** Pages without parts. */
const ALONE = /** @type {const} */ (["hosts", "inbox", "secrets", "tokens", "packs"]);

/** @returns {Route} */
function parse() {
  const [first = "", ...rest] = location.pathname.slice(ROOT.length).split("/").filter(Boolean);
  const query = new URLSearchParams(location.search);
  const id = decoded(rest.join("/"));
  if (!first) return { page: "now", id: "", query };
  if (first === "flows") return { page: !id ? "flows" : isOfFlyte(id) ? "flyteflow" : "flow", id, query };
  if (first === "runs") return { page: id ? "run" : "runs", id, query };
  if (first === "datastore") return { page: first, id, query };
  const alone = ALONE.find((page) => page === first);
  if (alone && !id) return { page: alone, id, query };
  return { page: "lost", id: location.pathname, query };
}

/** Whether a flow is one of flyte, by its id. @param {string} id */
export const isOfFlyte = (id) => /^flyte-[0-9a-f]{24}$/.test(id);

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % in a typed address: used unchanged, and not found
  }
}

export const route = signal(parse());

/**
 * Go to the route of a link.
 * @param {string} href
 * @param {{replace?: boolean}} [options]
 */
export function go(href, { replace = false } = {}) {
  const before = location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  route.value = parse();
  if (location.pathname !== before) {
    scrollTo(0, 0);
    requestAnimationFrame(() => document.querySelector("main")?.focus({ preventScroll: true }));
  }
}

/**
 * The present route with some of its query changed; an empty value takes a key away.
 * @param {Record<string, string>} changes
 */
export function here(changes) {
  const query = new URLSearchParams(route.value.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const text = query.toString();
  return location.pathname + (text ? `?${text}` : "");
}

/** The route to the page of a run. @param {string} id */
export const runHref = (id) => `${ROOT}/runs/${encodeURIComponent(id)}`;
/** The route to the page of a flow. @param {string} id */
export const flowHref = (id) => `${ROOT}/flows/${encodeURIComponent(id)}`;
/** The route to the page of an item of the datastore. @param {string} key */
export const itemHref = (key) => `${ROOT}/datastore/${encodeURIComponent(key)}`;

addEventListener("popstate", () => (route.value = parse()));

// Links within the dashboard change the URL without loading it again.
addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || !`${link.pathname}/`.startsWith(`${ROOT}/`)) return;
  event.preventDefault();
  go(link.pathname + link.search, { replace: link.dataset.replace !== undefined });
});
