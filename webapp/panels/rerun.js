// What a run has to do with an earlier one: buttons that start it again, and links to where its parts ran.
import { later, useLater } from "../code.js";
import { html } from "../html.js";
import { go, here, route, runHref } from "../route.js";
import { plain } from "../text.js";
import { isFailed } from "./items.js";

/** @typedef {import("../types/api").Detail} Detail */
/** @typedef {import("../types/api").RunNode} RunNode */

const again = later(() => import("./again.js").then(({ Again }) => Again), ["again"]);

/** The button for a re-run in the header of an ended run, and the dialog behind it. @param {{run: Detail}} props */
export function RerunButton({ run }) {
  const from = route.value.query.get("again") ?? "";
  const Dialog = useLater(from ? again : null);
  return html`<button onClick=${() => open(run.good ? "all" : "failed")}>Start again…</button>
    ${from && Dialog && html`<${Dialog} run=${run} from=${from} />`}`;
}

/** @param {string} from  `all`, `failed`, or the reference of a node */
const open = (from) => go(here({ again: from }), { replace: true });

/**
 * For re-runs: the run in which a node ran, and a button to start from it.
 * @param {{run: Detail, node: RunNode}} props
 */
export function NodeBar({ run, node }) {
  const from = node.taken_from;
  const canStart = run.state === "archive" && node.entered_at && run.passes === null;
  if (!from && !canStart) return null;
  const there = `${runHref(from ?? "")}?node=${encodeURIComponent(node.id)}`;
  const name = plain(node.name || node.id);
  return html`<div class="node-bar">
    <p>${from && html`<b>${name}</b> was taken over from <a href=${there}>${plain(shortOf(from))}</a>`}</p>
    ${
      canStart &&
      node.item_states?.some(isFailed) &&
      html`<button class="quiet" onClick=${() => open("failed")}>Start what failed again…</button>`
    }
    ${canStart && html`<button class="quiet" onClick=${() => open(node.ref)}>Start again from here…</button>`}</div>`;
}

/** The origin of a re-run: the earlier run, and where the workspaces of both are. @param {{run: Detail}} props */
export function Origin({ run }) {
  const { rerun_of, moved_to: to } = run;
  return html`${rerun_of && html`<span>re-run of <a href=${runHref(rerun_of)}>${plain(rerun_of)}</a></span>`}
    ${to && html`<span>its workspace belongs to the re-run <a href=${runHref(to)}>${plain(to)}</a> now</span>`}
    ${rerun_of && run.moved_from && html`<span>workspace of <b>${plain(rerun_of)}</b></span>`}`;
}

/** The child run of the latest attempt of a node, as re-runs show it; empty for none. @param {RunNode} node */
export const childOf = ({ child }) => shortOf(child ?? "");

/** The short name of a run by its key, as re-runs show it. @param {string} key */
export const shortOf = (key) => key.split("@")[0];
