// The frame around every page: navigation, state of the feed, user.
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { html } from "../html.js";
import { Now } from "../pages/now.js";
import { ROOT, route } from "../route.js";
import { checkLogin, logOut, runs, runsLoaded, user } from "../state.js";
import { Banner } from "./banner.js";
import { Help } from "./help.js";
import { Empty, Failure, Loading } from "./notice.js";
import { Theme } from "./theme.js";

const LINKS = /** @type {const} */ ([
  ["Now", ROOT, ["now"]],
  ["Runs", `${ROOT}/runs`, ["runs", "run"]],
  ["Flows", `${ROOT}/flows`, ["flows", "flow"]],
  ["Hosts", `${ROOT}/hosts`, ["hosts"]],
]);

export function Shell() {
  if (user.value === undefined) {
    const { error } = runsLoaded.value;
    return html`<main class="entry">${
      error ? html`<${Failure} error=${error} again=${checkLogin} />` : html`<${Loading} what="floe" />`
    }</main>`;
  }
  if (user.value === null) return html`<${Entry} />`;
  return html`
    <a class="skip" href="#main">Skip to content</a>
    <header class="bar">
      <a class="brand" href=${ROOT} aria-label="floe, start page">
        <img src="/app/icon.svg" alt="" width="24" height="24" /><span class="brand-name">floe</span></a>
      <nav aria-label="Pages">${LINKS.map(
        ([name, href, pages]) => html`
          <a href=${href} aria-current=${
            /** @type {readonly string[]} */ (pages).includes(route.value.page) ? "page" : undefined
          }>
            ${name}${name === "Now" && html`<${Running} />`}
          </a>`,
      )}
      </nav>
      <span class="bar-end"><${Help} /><${Theme} />
        <a class="button quiet who" href=${`${ROOT}/tokens`} title="Personal tokens" aria-current=${
          route.value.page === "tokens" ? "page" : undefined
        }>${user.value}</a>
        <button class="quiet log-out" onClick=${logOut}>Log out</button></span>
    </header>
    <${Banner} />
    <main id="main" tabindex="-1"><${Page} /></main>`;
}

function Running() {
  let count = 0;
  for (const run of runs.value.values()) if (run.state !== "archive") count += 1;
  return count ? html`<span class="count" aria-label="${count} not over">${count}</span>` : null;
}

/** Style sheets that only some pages need, loaded with them. @type {Record<string, string[]>} */
const SHEETS = {
  flow: ["graph", "tabs", "data", "events"],
  hosts: ["host", "data", "events"],
  run: ["graph", "time", "steps", "tabs", "output", "data", "events"],
};
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

/** Code of pages, loaded when a page is first shown; only the page Now is loaded at the start. */
const PAGES = /** @type {const} */ ({
  flow: () => import("../pages/flow.js").then(({ Flow }) => Flow),
  flows: () => import("../pages/flows.js").then(({ Flows }) => Flows),
  hosts: () => import("../pages/hosts.js").then(({ Hosts }) => Hosts),
  login: () => import("../pages/login.js").then(({ LogIn }) => LogIn),
  run: () => import("../pages/run.js").then(({ Run }) => Run),
  runs: () => import("../pages/runs.js").then(({ Runs }) => Runs),
  tokens: () => import("../pages/tokens.js").then(({ Tokens }) => Tokens),
});
const pages = signal(/** @type {Record<string, unknown>} */ ({ now: Now }));

/** The component of a page, once it is here. @param {keyof typeof PAGES | "now" | "lost"} page */
function useCode(page) {
  const known = pages.value[page];
  useLayoutEffect(() => {
    if (known || page === "lost" || page === "now") return;
    const styles = (SHEETS[page] ?? []).map(sheet);
    void Promise.all([PAGES[page](), ...styles]).then(
      ([component]) => (pages.value = { ...pages.peek(), [page]: component }),
    );
  }, [page]);
  return known;
}

function Entry() {
  const known = useCode("login");
  return known ? html`<${known} />` : html`<main class="entry"><${Loading} what="floe" /></main>`;
}

function Page() {
  const { page, id } = route.value;
  const known = useCode(page);
  if (page === "lost")
    return html`<h1 class="unseen">Nothing is here</h1><${Empty} title="Nothing is here"><p>
      <a href=${ROOT}>Go to what is happening now</a></p></${Empty}>`;
  if (!known) return html`<${Loading} what="page" />`;
  return html`<${known} key=${`${page} ${id}`} id=${id} />`;
}
