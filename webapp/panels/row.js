// One run in a list: flow, state, title, reason if it is not good, time.
import { flowName, titleOf } from "../flows.js";
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain, ranOf } from "../text.js";
import { brief, full, took, when } from "../time.js";
import { useRun } from "../use.js";
import { lastKnown, waitingState, pendedFor } from "../waits.js";
import { Mark } from "./mark.js";

/** A run that goes on, with what only the complete run shows. @param {Parameters<typeof Row>[0]} props */
export function LiveRow({ run, ...props }) {
  const { data } = useRun(run.id);
  return html`<${Row} ...${props} run=${run} failed=${data ? failedOf(data).length : 0} />`;
}

/**
 * @param {{run: import("../types/api").Summary, flow?: boolean, at?: "ended" | "started", failed?: number,
 *   depth?: number, fold?: any, children?: any}} props  flow: name it; at: the instant in the last column, as far as
 *   there is one; failed: how many nodes of a running run have; depth: how many rows of runs above it are above it;
 *   fold: shows the runs below it; children: for the reason
 */
export function Row({ run, flow = true, at = "ended", failed = 0, depth = 0, fold, children }) {
  const state = waitingState(run);
  const isPending = run.state === "pending";
  const waits = isPending ? (pendedFor(run.id) ?? run.phase) : "";
  const above = depth || !run.parent ? "" : `child of ${plain(run.parent.run)}`;
  const label = run.label && plain(run.label);
  const reason = [label, plain((!run.good && run.why) || waits), ranOf(run), above].filter(Boolean).join(" · ");
  const title = titleOf(run);
  const old = lastKnown(run);
  const until = old ? old.at : run.ended_at;
  const then = (at === "ended" && run.ended_at) || run.started_at || run.pended_at;
  return html`<li class=${`row is-${state}${depth ? " is-child" : ""}`} style=${depth ? { "--depth": depth } : null}>
    <${Mark} state=${state} old=${!!old} />
    <a class="row-name" href=${runHref(run.id)} title=${`${plain(flowName(run.flow))} ${plain(run.id)}`}>${
      flow && html`<b>${plain(flowName(run.flow))}</b> `
    }
      <span class="id">${plain(run.id)}</span></a>
    <span class="row-why" title=${[plain(run.title), reason].filter(Boolean).join(": ")}>
      ${fold}${title && html`<span class="row-title">${plain(title)}</span> `}<${Failed} count=${failed} />${
        old
          ? html`<span class="row-reason">${plain(old.host)} is away${old.at && `: as of ${when(old.at)}`}</span>`
          : (children ?? (reason && html`<span class="row-reason">${reason}</span>`))
      }</span>
    <span class="row-by">${plain(run.by || run.trigger)}${
      run.host && html` <span class="faint">on ${plain(run.host)}</span>`
    }</span>
    <span class="row-took">${
      old && !until ? "" : isPending ? `for ${took(run.pended_at, until)}` : took(run.started_at, until)
    }</span>
    <time class="row-at" dateTime=${then} title=${full(then)}>${brief(then)}</time>
  </li>`;
}

/** States of a node of a run of a different language that goes on by itself. */
const WAITS = ["waiting", "retrying"];

// How many nodes have failed of a run that goes on: its state alone would say that all is well.
/** The nodes of a run's row that failed and keep their outcome. @param {import("../types/api").Detail} run */
export const failedOf = (run) =>
  run.state === "archive"
    ? run.nodes.filter((node) => run.failed.includes(node.id))
    : run.nodes.filter((node) => node.good === false && !node.by && !WAITS.includes(node.state));

/** The mark of a run's row for failed nodes: their number. @param {{count: number}} props */
export const Failed = ({ count }) => (count ? html`<span class="chip is-bad is-failed">${count} failed</span>` : null);
