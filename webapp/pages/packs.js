// The packs of flyte: what each can do, when it was last seen, what waits for it, and what no pack has.
import { useRef } from "preact/hooks";
import { html } from "../html.js";
import { FlyteNav } from "../panels/flytenav.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { InFlows, Pack, backlogText } from "../panels/pack.js";
import { go, here, route } from "../route.js";
import { plain, plural } from "../text.js";
import { useEvery, useLoad, useTitle } from "../use.js";

/** @typedef {import("../types/schemas").FlytePacks} FlytePacks */

/** So many packs are open from the start. */
const OPEN_MAX = 4;

export function Packs() {
  useTitle("Packs");
  const { data, error, again } = useLoad("flyte/packs");
  const look = useRef(again); // the same one each time: its timer goes on
  useEvery(look.current);
  const all = /** @type {FlytePacks | null} */ (data);
  return html`<h1>Packs</h1>
    <${FlyteNav} at="packs" />
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${!all && !error && html`<${Loading} what="packs" />`}
    ${all && html`<${Found} all=${all} again=${look.current} />`}`;
}

/** @param {{all: FlytePacks, again: () => void}} props */
function Found({ all, again }) {
  const text = (route.value.query.get("text") ?? "").toLowerCase();
  const packs = all.packs.filter((pack) => wordsOf(pack).includes(text));
  const live = all.packs.filter(({ status }) => status === "live").length;
  const awaited = all.missing.filter((one) => one.new + one.taken > 0);
  const isNothing = !all.packs.length && !all.missing.length && !all.unsent.length;
  if (isNothing)
    return html`<${Empty} title="No pack has registered yet">
      <p>A pack is a program that carries out commands of flows and sends events. It registers by itself when it starts:
        ${" "}<code>FLYTE_API=${plain(location.origin)}/flyte</code> and a token in <code>FLYTE_JWT</code>.</p>
      <p>To read: <a href="/app/docs/packs.md" target="_blank">a pack in five minutes</a>,${" "}
        <a href="/app/docs/flyte.md" target="_blank">flyte on floe</a></p></${Empty}>`;
  return html`<p class="packs-about">A pack is a program that carries out commands of flows and sends events. It is live
      while it calls a host at least every ten minutes.</p>
    ${
      all.away.length > 0 &&
      html`<p class="behind" role="status">Without the open actions at ${all.away.map(plain).join(", ")}: away.</p>`
    }
    <${Missing} title="Actions wait for packs that are not there" missing=${awaited} isBad />
    ${
      all.packs.length > OPEN_MAX &&
      html`<form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label class="filter is-wide"><span>Text</span><input type="search" data-search
        placeholder="part of a name, label, command or event" value=${route.value.query.get("text") ?? ""}
        onInput=${(/** @type {any} */ event) =>
          go(here({ text: event.currentTarget.value }), { replace: true })} /></label>
      <p class="faint" role="status">${
        packs.length === all.packs.length
          ? plural(packs.length, "pack")
          : `${packs.length} of ${plural(all.packs.length, "pack")}`
      }, ${live} live</p></form>`
    }
    <section class="list"><h2 class="unseen">Registered</h2>${
      packs.length
        ? html`<ul class="packs" aria-label="Packs">${packs.map(
            (pack) => html`<li key=${pack.id}><${Pack} pack=${pack} again=${again}
                open=${all.packs.length <= OPEN_MAX} /></li>`,
          )}</ul>`
        : all.packs.length
          ? html`<${Empty} title="No pack has this text" />`
          : html`<${Empty} title="No pack has registered yet"><p>Flows call packs already: start those that are named
            below. <a href="/app/docs/packs.md" target="_blank">A pack in five minutes</a></p></${Empty}>`
    }</section>
    <${Missing} title="Commands that no pack has" missing=${all.missing.filter((one) => !awaited.includes(one))} />
    <${Unsent} unsent=${all.unsent} />`;
}

/** What a search looks at. @param {FlytePacks["packs"][number]} pack */
const wordsOf = ({ id, commands, events }) =>
  [id, ...commands.map(({ name }) => name), ...events.map(({ name }) => name)].join("\n").toLowerCase();

/** Commands that flows call, and no pack declares.
 * @param {{title: string, missing: FlytePacks["missing"], isBad?: boolean}} props */
function Missing({ title, missing, isBad = false }) {
  if (!missing.length) return null;
  return html`<section class="list"><h2 class=${isBad ? "is-bad" : ""}>${title}
      ${" "}<span class="count">${missing.length}</span></h2>
    <ul class="rows" aria-label=${title}>${missing.map(
      (one) => html`<li class="row is-lacking" key=${`${one.pack}\n${one.command}`}>
        <span class="lacking-name"><b>${plain(one.pack)}</b> ${plain(one.command)}</span>
        <span class="lacking-why">${
          one.registered ? "packs with this name have no such command" : "no pack with this name is registered"
        }${one.new + one.taken > 0 && html` · <b class="is-waiting-for">${backlogText(one)}</b>`}</span>
        <${InFlows} flows=${one.flows} more=${one.more_flows} none="no flow calls it now" word="called by" /></li>`,
    )}</ul></section>`;
}

/** Events that flows wait for, and no pack declares. @param {{unsent: FlytePacks["unsent"]}} props */
function Unsent({ unsent }) {
  if (!unsent.length) return null;
  return html`<section class="list"><h2>Events that no pack declares <span class="count">${unsent.length}</span></h2>
    <ul class="rows" aria-label="Events that no pack declares">${unsent.map(
      (one) => html`<li class="row is-lacking" key=${`${one.pack}\n${one.event}`}>
        <span class="lacking-name"><b>${plain(one.pack)}</b> ${plain(one.event)}</span>
        <span class="lacking-why">${
          one.registered ? "a pack may send it all the same" : "no pack with this name is registered"
        }</span>
        <${InFlows} flows=${one.flows} more=${one.more_flows} word="awaited by" /></li>`,
    )}</ul></section>`;
}
