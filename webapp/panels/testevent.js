// A test event: which steps would fire, with which input, and why each other one does not; then it can be sent.
import { useRef, useState } from "preact/hooks";
import { post } from "../api.js";
import { html } from "../html.js";
import { faultOf } from "../json.js";
import { runHref } from "../route.js";
import { plain, plural } from "../text.js";
import { useAction, useLoad } from "../use.js";
import { textOf } from "../values.js";
import { Confirm } from "./confirm.js";
import { Failure } from "./notice.js";
import { Tried, countText } from "./tried.js";

/** @typedef {import("../types/schemas").FlyteTried} FlyteTried */
/** @typedef {import("../types/schemas").FlyteSent} FlyteSent */
/** @typedef {import("../types/schemas").FlytePacks} FlytePacks */
/** @typedef {import("../types/schemas").FlyteEvents} FlyteEvents */
/** @typedef {{pack: string, event: string, payload: string}} Typed */
/** @typedef {{pack: string, event: string}} Offer */

/** What was typed last, for the next look at a form. @type {Map<string, Typed>} */
const kept = new Map();
const NOTHING = { pack: "", event: "" };
let made = 0;

/**
 * @param {{flow?: {id: string, name: string}, events?: Offer[]}} props
 *   flow: the page that it is on, whose steps come first; events: those to offer first
 */
export function TestEvent({ flow, events = [] }) {
  const place = flow?.id ?? "";
  const [id] = useState(() => `event-${++made}-`);
  const [edited, setTyped] = useState(kept.get(place));
  const [tried, setTried] = useState(/** @type {FlyteTried | null} */ (null));
  const [sent, setSent] = useState(/** @type {FlyteSent | null} */ (null));
  const [wrong, setWrong] = useState("");
  const { data: packs } = useLoad("flyte/packs");
  const { data: awaited } = useLoad("flyte/events");
  const waits = /** @type {FlyteEvents | null} */ (awaited)?.events ?? [];
  const known = /** @type {FlytePacks | null} */ (packs)?.packs ?? [];
  /** The same with a payload that has what flows read of it. @param {Offer} some */
  const exampled = (some) => {
    const one = waits.find(({ pack, event }) => event === some.event && isNamed(known, some.pack, pack));
    return { ...some, payload: textOf(one?.payload ?? {}) };
  };
  const offers = offered(known, [...events, ...waits]);
  const typed = edited ?? exampled((events.length && offers[0]) || NOTHING);
  /** @param {Partial<Typed>} some */
  const change = (some) => {
    const isExample = !edited || typed.payload === exampled(typed).payload;
    const next = isExample && !("payload" in some) ? exampled({ ...typed, ...some }) : { ...typed, ...some };
    kept.set(place, next);
    setTyped(next);
    setTried(null);
    setSent(null);
  };
  const body = () => ({
    pack: typed.pack.trim(),
    event: typed.event.trim(),
    ...(typed.payload.trim() ? { payload: JSON.parse(typed.payload) } : {}),
  });
  const key = JSON.stringify(typed);
  const now = useRef(key);
  now.current = key;
  const attempt = useAction(async () => {
    setSent(null);
    const answer = await post("flyte/events/try", body());
    if (now.current === key) setTried(answer); // else it is about an event that was edited meanwhile
  });
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    const fault = typed.payload.trim() ? faultOf(typed.payload) : null;
    const missing = !typed.pack.trim() || !typed.event.trim();
    if (missing) setWrong("A pack and an event are needed.");
    else if (fault) setWrong(`The payload is not JSON: line ${fault.line}, column ${fault.column}: ${fault.what}.`);
    else setWrong("");
    if (!missing && !fault) void attempt.run();
  };
  const names = [...new Set(offers.filter(({ pack }) => pack === typed.pack).map(({ event }) => event))];
  return html`<section class="list test-event" aria-label="Test event"><h2>Test event</h2>
    <form class="form" onSubmit=${onSubmit} novalidate>
      <div class="test-names">
        <div class="field"><label for=${`${id}pack`}>Pack</label>
          <input id=${`${id}pack`} type="text" list=${`${id}packs`} autocomplete="off" spellcheck=${false}
            value=${typed.pack} onInput=${(/** @type {any} */ event) => change({ pack: event.currentTarget.value })} />
          <datalist id=${`${id}packs`}>${[...new Set(offers.map(({ pack }) => pack))].map(
            (pack) => html`<option key=${pack} value=${pack} />`,
          )}</datalist></div>
        <div class="field"><label for=${`${id}event`}>Event</label>
          <input id=${`${id}event`} type="text" list=${`${id}events`} autocomplete="off" spellcheck=${false}
            value=${typed.event}
            onInput=${(/** @type {any} */ event) => change({ event: event.currentTarget.value })} />
          <datalist id=${`${id}events`}>${names.map((name) => html`<option key=${name} value=${name} />`)}</datalist>
        </div></div>
      <div class=${wrong ? "field is-wrong" : "field"}><label for=${`${id}payload`}>Payload ${" "}<span
          class="optional">JSON</span></label>
        <textarea id=${`${id}payload`} class="mono" rows="5" spellcheck=${false} value=${typed.payload}
          onInput=${(/** @type {any} */ event) => change({ payload: event.currentTarget.value })}></textarea>
        ${wrong && html`<p class="field-message" role="alert">${wrong}</p>`}</div>
      <div class="form-buttons"><button class="is-main" aria-disabled=${attempt.busy}>See what would fire</button></div>
    </form>
    ${attempt.error && html`<${Failure} error=${attempt.error} />`}
    <div role="status">${
      tried &&
      html`<${Tried} tried=${tried} first=${place}>${
        sent
          ? html`<${Sent} sent=${sent} />`
          : html`<${Send} tried=${tried} send=${async () => setSent(await post("flyte/events/send", body()))} />`
      }</${Tried}>`
    }</div></section>`;
}

/** @param {{tried: FlyteTried, send: () => Promise<unknown>}} props */
function Send({ tried, send }) {
  if (!tried.registered)
    return html`<p class="faint">No pack <b>${plain(tried.pack)}</b> is registered, so this event can be tried and not
      sent. The field offers those that are.</p>`;
  return html`<p class="test-send"><${Confirm} name="Send it" title="Send ${plain(tried.event)} of ${plain(
    tried.pack,
  )}?" yes="Send it" no="Do not send" act=${send}>
    <p>It counts as if the pack had sent it. ${countText(tried)}: packs carry out the actions. Its runs have your
      name.</p></${Confirm}></p>`;
}

/** @param {{sent: FlyteSent}} props */
function Sent({ sent: { judged, runs } }) {
  if (!judged)
    return html`<p class="test-sent">It is sent, and waits in the inbox: its runs come when it is judged.</p>`;
  if (!runs.length) return html`<p class="test-sent">It is sent, and opened no run.</p>`;
  return html`<p class="test-sent">It is sent, and opened ${plural(runs.length, "run")}: ${runs.map(
    (run, at) => html`${at > 0 && ", "}<a key=${run} href=${runHref(run)}>${plain(run)}</a>`,
  )}</p>`;
}

/**
 * Events to choose from: those that flows wait for, then those of registrations.
 * @param {FlytePacks["packs"]} packs
 * @param {Offer[]} first
 * @returns {Offer[]}
 */
function offered(packs, first) {
  const declared = packs.flatMap(({ id, events, commands }) => {
    const names = [...events.map(({ name }) => name), ...commands.flatMap((command) => command.events)];
    return names.length ? names.map((event) => ({ pack: id, event })) : [{ pack: id, event: "" }];
  });
  // Flows name a pack; registered ones with the name have ids, with their labels.
  const named = first.flatMap(({ pack, event }) => {
    const ids = packs.filter(({ name }) => name === pack).map(({ id }) => id);
    return (ids.length ? ids : [pack]).map((id) => ({ pack: id, event }));
  });
  return [...named, ...declared];
}

/**
 * Whether an id is that of a pack with a name.
 * @param {FlytePacks["packs"]} packs
 * @param {string} id
 * @param {string} name
 */
const isNamed = (packs, id, name) => id === name || packs.some((pack) => pack.id === id && pack.name === name);
