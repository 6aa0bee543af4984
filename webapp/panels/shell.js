// The frame around every page: navigation, state of the feed, user.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { later, useLater } from "../code.js";
import { html } from "../html.js";
import { Now } from "../pages/now.js";
import { ROOT, route } from "../route.js";
import { checkLogin, flows, logOut, runs, runsLoaded, user } from "../state.js";
import { Banner } from "./banner.js";
import { Empty, Failure, Loading } from "./notice.js";
import { Theme } from "./theme.js";

const LINKS = /** @type {const} */ ([
  ["Now", ROOT, ["now"]],
  ["Runs", `${ROOT}/runs`, ["runs", "run"]],
  ["Flows", `${ROOT}/flows`, ["flows", "flow", "flyteflow"]],
  ["Hosts", `${ROOT}/hosts`, ["hosts", "secrets"]],
]);
/** Shown where the host has something of flyte. */
const OF_FLYTE = /** @type {const} */ (["Flyte", `${ROOT}/packs`, ["packs", "datastore", "inbox"]]);

export function Shell() {
  if (user.value === undefined) {
    const { error } = runsLoaded.value;
    return html`<main class="entry" key="entry">${
      error ? html`<${Failure} error=${error} again=${checkLogin} />` : html`<${Loading} what="floe" />`
    }</main>`;
  }
  if (user.value === null) return html`<${Entry} />`;
  return html`
    <a class="skip" href="#main">Skip to content</a>
    <header class="bar">
      <a class="brand" href=${ROOT} aria-label="floe, start page">
        <img src="/app/icon.svg" alt="" width="24" height="24" /><span class="brand-name">floe</span></a>
      <nav aria-label="Pages">${linksOf(flows.state.value.data?.flyte).map(
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
    <main id="main" key="main" tabindex="-1"><${Page} /></main>`;
}

/** The pages in the bar. @param {import("../types/schemas").FlyteShort | undefined} flyte */
const linksOf = (flyte) => {
  const isOf = OF_FLYTE[2].some((page) => page === route.value.page);
  return isOf || (flyte && flyte.flows.length + flyte.packs + flyte.items > 0) ? [...LINKS, OF_FLYTE] : LINKS;
};

/** The list of keyboard shortcuts, behind a button. */
function Help() {
  const [asked, ask] = useState(0);
  const List = asked ? keys.code.value : null;
  const show = () => {
    ask((count) => count + 1);
    void keys.load();
  };
  return html`<button class="quiet" data-key="?" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)"
    onClick=${show}>?</button>${List && html`<${List} asked=${asked} />`}`;
}

function Running() {
  let count = 0;
  for (const run of runs.value.values()) if (run.state !== "archive") count += 1;
  return count ? html`<span class="count" aria-label="${count} not over">${count}</span>` : null;
}

/** Only the page Now is loaded at the start. */
const PAGES = {
  now: { code: signal(Now), load: async () => Now },
  datastore: later(
    () => import("../pages/datastore.js").then(({ Datastore }) => Datastore),
    ["form", "tabs", "flyte", "datastore"],
  ),
  flow: later(
    () => import("../pages/flow.js").then(({ Flow }) => Flow),
    ["form", "graph", "tabs", "data", "events", "definition"],
  ),
  flyteflow: later(
    () => import("../pages/flyteflow.js").then(({ FlyteFlow }) => FlyteFlow),
    ["form", "tabs", "graph", "data", "events", "definition", "host", "flyte", "flyteflow"],
  ),
  packs: later(
    () => import("../pages/packs.js").then(({ Packs }) => Packs),
    ["form", "tabs", "events", "definition", "flyte", "packs"],
  ),
  flows: later(() => import("../pages/flows.js").then(({ Flows }) => Flows)),
  hosts: later(() => import("../pages/hosts.js").then(({ Hosts }) => Hosts), ["form", "host", "data", "events"]),
  inbox: later(() => import("../pages/inbox.js").then(({ Inbox }) => Inbox), ["form", "tabs", "host", "flyte"]),
  run: later(
    () => import("../pages/run.js").then(({ Run }) => Run),
    ["items", "form", "ask", "graph", "time", "steps", "tabs", "output", "data", "events"],
  ),
  runs: later(() => import("../pages/runs.js").then(({ Runs }) => Runs)),
  secrets: later(() => import("../pages/secrets.js").then(({ Secrets }) => Secrets), ["form", "host", "secrets"]),
  tokens: later(() => import("../pages/tokens.js").then(({ Tokens }) => Tokens), ["form"]),
};
const login = later(() => import("../pages/login.js").then(({ LogIn }) => LogIn), ["form"]);
const keys = later(() => import("./help.js").then(({ Keys }) => Keys), ["form"]);

function Entry() {
  const known = useLater(login);
  return known ? html`<${known} />` : html`<main class="entry" key="entry"><${Loading} what="floe" /></main>`;
}

function Page() {
  const { page, id } = route.value;
  const known = useLater(page === "lost" ? null : PAGES[page]);
  if (page === "lost")
    return html`<h1 class="unseen">Nothing is here</h1><${Empty} title="Nothing is here"><p>
      <a href=${ROOT}>Go to what is happening now</a></p></${Empty}>`;
  if (!known) return html`<${Loading} what="page" />`;
  return html`<${known} key=${`${page} ${id}`} id=${id} />`;
}
