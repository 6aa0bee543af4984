// The inbox: events that wait until it is judged what they open, and what was wrong with earlier ones.
import { html } from "../html.js";
import { FlyteNav } from "../panels/flytenav.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { Judged } from "../panels/templatefindings.js";
import { TestEvent } from "../panels/testevent.js";
import { flowHref, here, route } from "../route.js";
import { plain, plural, size } from "../text.js";
import { ago, full, now, when } from "../time.js";
import { useEvery, useLoad, useTitle } from "../use.js";

/** @typedef {import("../types/schemas").Inboxes} Inboxes */
/** @typedef {Inboxes["inboxes"][number]} HostInbox */

/** Milliseconds for which an event may wait before the page suggests a remedy. */
const LATE_MS = 5000;

export function Inbox() {
  useTitle("Inbox");
  const { data, error, again } = useLoad("inbox");
  useEvery(again);
  const found = /** @type {Inboxes | null} */ (data);
  const isTried = route.value.query.has("try");
  return html`<header class="head-title"><h1>Inbox</h1>${
    !isTried && html`<a class="button is-main" href=${here({ try: "1" })}>Try an event</a>`
  }</header>
    <${FlyteNav} at="inbox" />
    <p class="about">An event of a pack waits here until it is judged which runs it opens, mostly for milliseconds. One
      that opens no run leaves nothing, or a finding if a template was wrong.</p>
    ${isTried && html`<${TestEvent} />`}
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${!found && !error && html`<${Loading} what="inbox" />`}
    ${found && html`<${Waiting} inboxes=${found.inboxes} /><${Wrong} inboxes=${found.inboxes} isTried=${isTried} />`}
    ${
      found &&
      found.away.length > 0 &&
      html`<p class="behind" role="status">${plain(found.away.join(", "))} ${
        found.away.length === 1 ? "does" : "do"
      } not answer: the inbox there is shown as it was, or not at all.</p>`
    }`;
}

/** @param {{inboxes: HostInbox[]}} props */
function Waiting({ inboxes }) {
  const waiting = inboxes.filter((one) => one.waiting);
  return html`<section class="list" aria-label="Waiting events"><h2>Waiting</h2>${
    waiting.length
      ? waiting.map((one) => html`<${HostWaits} key=${one.host} inbox=${one} />`)
      : html`<p class="faint">No event waits${inboxes.length > 1 && ` at any of ${inboxes.length} hosts`}.</p>`
  }</section>`;
}

/** @param {{inbox: HostInbox}} props */
function HostWaits({ inbox }) {
  const { host, waiting, bytes, oldest_at: oldest, first, stuck, as_of: asOf } = inbox;
  const isLate = oldest !== null && now.value - Date.parse(oldest) > LATE_MS;
  return html`<div class="card inbox-host"><h3>${plain(host)}</h3>
    <p>${plural(waiting, "event")}, ${size(bytes)}${oldest && `, the oldest since ${ago(oldest)}`}${
      asOf && html` <span class="faint">as of ${when(asOf)}</span>`
    }</p>
    ${
      stuck
        ? html`<p class="inbox-stuck">They could not be judged at the last try: ${plain(stuck)}. They wait, in their
            order, and none is lost.</p>`
        : isLate &&
          html`<p class="inbox-stuck">More events come than this host judges: see its evaluators on the page
            Hosts, or let packs call different hosts.</p>`
    }
    <ul class="rows" aria-label=${`Oldest events of ${plain(host)}`}>${first.map(
      (one, at) => html`<li class="row is-waiting-event" key=${`${one.at} ${at}`}><b>${plain(one.what)}</b>
        <span class="row-took">${size(one.bytes)}</span>
        <time class="row-at" dateTime=${one.at} title=${full(one.at)}>${ago(one.at)}</time></li>`,
    )}</ul>${waiting > first.length && html`<p class="faint">The oldest ${first.length} are shown.</p>`}</div>`;
}

/** @param {{inboxes: HostInbox[], isTried: boolean}} props */
function Wrong({ inboxes, isTried }) {
  const found = inboxes.flatMap(({ host, findings }) => findings.map((one) => ({ host, ...one })));
  if (!found.length)
    return html`<${Empty} title="No event has failed"><p>If a flow does not react to an event, its criteria or labels
      may not fit it, which is no fault.${
        !isTried && html` <a href=${here({ try: "1" })}>Try the event</a> to see what each step says of it.`
      }</p></${Empty}>`;
  return html`<section class="list" aria-label="Findings"><h2 class="is-bad">Findings</h2>
    <p class="about">These events made no action of these steps, and are gone: mend the template, post the flow again,
      and let the event be sent again. A mended template is best tried before.</p>
    ${found.map(
      (one) => html`<div key=${`${one.host} ${one.flow}`} class="card inbox-flow"><${Judged} count=${one.count}
        newest=${one.newest} title=${html`<${FlowTitle} flow=${one} /> at ${plain(one.host)}`} /></div>`,
    )}</section>`;
}

/** @param {{flow: {flow: string, name: string}}} props */
function FlowTitle({ flow: { flow, name } }) {
  return html`<a href=${flowHref(flow)}>${plain(name)}</a>`;
}
