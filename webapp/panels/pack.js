// One pack: its liveness and its backlog on one line, and behind it commands, events and what people may do.
import { remove, seg } from "../api.js";
import { html } from "../html.js";
import { flowHref } from "../route.js";
import { plain, plural } from "../text.js";
import { ago, full, hover, when } from "../time.js";
import { Confirm } from "./confirm.js";
import { Mark } from "./mark.js";

/** @typedef {import("../types/schemas").FlytePack} FlytePack */
/** @typedef {import("../types/schemas").FlyteFlowName} FlyteFlowName */

const MARKS = { live: "well", warning: "troubled", critical: "away" };

/** @param {{pack: FlytePack, open: boolean, again: () => void}} props */
export function Pack({ pack, open, again }) {
  const labels = Object.entries(pack.labels);
  const sends = pack.commands.length === 0;
  const act = async () => {
    await remove(`flyte/packs/${seg(pack.id)}`);
    again();
  };
  return html`<details class="pack" open=${open}>
    <summary><${Mark} state=${sends && pack.status !== "live" ? "never" : MARKS[pack.status]} />
      <span class="pack-name"><b>${plain(pack.name)}</b>${labels.map(
        ([name, value]) => html` <span class="chip" key=${name}>${plain(name)}=${plain(value)}</span>`,
      )}</span>
      <span class="pack-seen" title=${hover(pack.last_seen)}>${
        pack.status === "live" ? html`<b>live</b>` : html`last seen ${when(pack.last_seen)}, ${ago(pack.last_seen)}`
      }</span>
      <span class="pack-backlog">${backlogText(pack) || (sends ? "only sends" : "nothing waits")}</span></summary>
    <div class="pack-more">
      ${
        sends &&
        pack.status !== "live" &&
        html`<p class="faint">A pack without commands is seen only when it registers or sends an event.</p>`
      }
      ${!sends && html`<${Commands} pack=${pack} />`}
      ${
        pack.events.length > 0 &&
        html`<div class="events definition" tabindex="0" role="group" aria-label="Events of ${plain(pack.id)}"><table>
        <thead><tr><th scope="col">sends</th><th scope="col">awaited by</th></tr></thead>
        <tbody>${pack.events.map(
          (event) => html`<tr key=${event.name}><td><b>${plain(event.name)}</b></td>
            <td data-name="awaited by"><${InFlows} flows=${event.flows} more=${event.more_flows} none="no flow" /></td>
            </tr>`,
        )}</tbody></table></div>`
      }
      <p class="pack-end"><span class="faint">registered <time dateTime=${pack.registered_at}
          title=${full(pack.registered_at)}>${ago(pack.registered_at)}</time>, id <code>${plain(pack.id)}</code></span>
        <${Links} links=${pack.links} /><span class="spread"></span>
        <${Confirm} name="Remove" title="Remove ${plain(pack.id)}?" yes="Remove it" no="Keep it" isBad act=${act}>
          <p>A process of it that runs ends with its next call, or registers again. ${
            pack.new + pack.taken
              ? html`Its open actions stay: <b>${backlogText(pack)}</b>.`
              : "Its flows wait for it from then on."
          }</p></${Confirm}></p>
    </div></details>`;
}

/** @param {{pack: FlytePack}} props */
function Commands({ pack }) {
  return html`<div class="events definition" tabindex="0" role="group" aria-label="Commands of ${plain(pack.id)}">
    <table><thead><tr><th scope="col">command</th><th scope="col">comes to</th><th scope="col">open actions</th>
      <th scope="col">called by</th></tr></thead>
    <tbody>${pack.commands.map(
      (one) => html`<tr key=${one.name}><td><b>${plain(one.name)}</b> <${Links} links=${one.links} /></td>
        <td data-name="comes to">${
          one.events.map(plain).join(", ") || html`<span class="faint">not declared</span>`
        }</td>
        <td data-name="open actions">${backlogText(one) || html`<span class="faint">none</span>`}</td>
        <td data-name="called by"><${InFlows} flows=${one.flows} more=${one.more_flows} none="no flow" /></td></tr>`,
    )}</tbody></table></div>`;
}

/**
 * Flows as links.
 * @param {{flows: FlyteFlowName[], more: number, none?: string, word?: string}} props  word: before the first one
 */
export function InFlows({ flows, more, none = "", word = "" }) {
  if (!flows.length) return html`<span class="faint">${none}</span>`;
  return html`<span class="in-flows">${word && html`<span class="faint">${word} </span>`}${flows.map(
    ({ id, name }, at) => html`${at > 0 && ", "}<a key=${id} href=${flowHref(id)}>${plain(name)}</a>`,
  )}${more > 0 && ` and ${more} more`}</span>`;
}

/** Help of a pack or a command. @param {{links: FlytePack["links"]}} props */
function Links({ links }) {
  return links.map(
    ({ href, rel }, at) => html`<a class="pack-link" key=${at} href=${href} target="_blank" rel="noreferrer"
      title=${plain(href)}>${plain(rel) || "link"}</a> `,
  );
}

/**
 * How many actions wait for a pack, and for a result; empty for none.
 * @param {{new: number, new_since: string | null, taken: number, taken_since: string | null}} counts
 */
export function backlogText({ new: fresh, new_since: since, taken, taken_since: takenSince }) {
  const of = (/** @type {number} */ count, /** @type {string | null} */ at, /** @type {string} */ what) =>
    count ? `${plural(count, "action")} ${what}, ${count > 1 ? "the oldest " : ""}${ago(at)}` : "";
  return [of(fresh, since, "new"), of(taken, takenSince, "taken")].filter(Boolean).join("; ");
}
