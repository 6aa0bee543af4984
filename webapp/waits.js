// Waiting things: open forms and pending runs. Reloaded when the feed reports a possible change, but not more often
// than people can read.
import { effect, signal } from "@preact/signals";
import { behind } from "./fleet.js";
import { asOf, cell, flows, generation, hosts, listen } from "./state.js";
import { runState } from "./text.js";
import { soon } from "./time.js";

/** @typedef {import("./types/api").Summary} Summary */

const FORMS_MS = 150;
const QUEUE_MS = 400;
const LISTS_MS = 1000;

/** @type {ReturnType<typeof cell<{forms: import("./types/api").AskedForm[], count: number}>>} */
export const forms = cell(() => "forms");
/** @type {ReturnType<typeof cell<{pends: import("./types/api").PendGroup[]}>>} */
export const pends = cell(() => "pends");
/** Why a pending run waits, if it is known: a group's reason is that of its first run. @param {string} run */
export function pendedFor(run) {
  const group = pends.state.value.data?.pends.find(({ runs }) => runs.includes(run));
  const before = group?.runs[group.runs.indexOf(run) - 1];
  return before ? `${before} needs the same and is before it` : group?.text;
}
/** How many runs wait behind a run that needs the same. @param {string} run */
export const behindIt = (run) => {
  const group = pends.state.value.data?.pends.find(({ runs }) => runs[0] === run);
  return group ? group.count - 1 : 0;
};
/** Counts up when runs were pended or ended, so that lists of runs are loaded again. */
export const turnover = signal(0);

const formsSoon = soon(forms.load, FORMS_MS);
const pendsSoon = soon(pends.load, QUEUE_MS);
const listsSoon = soon(() => {
  turnover.value += 1;
  void flows.refresh();
}, LISTS_MS);

/** Whether the open form of a node is in the list. @param {string} run @param {string | undefined} node */
const isAsked = (run, node) =>
  !!forms.state.value.data?.forms.some((one) => one.run.id === run && one.form.node === node);

/** Whether a form of a run is open. @param {Summary | import("./types/api").Detail} run */
const isOpen = (run) =>
  "forms" in run ? run.forms.length > 0 : forms.state.value.data?.forms.some((one) => one.run.id === run.id);

/**
 * The state of a run in one word: one that waits for an open form is `asking`.
 * @param {Summary | import("./types/api").Detail} run
 */
export const waitingState = (run) => (run.state === "active" && isOpen(run) ? "asking" : runState(run));

/**
 * If an open run is shown as it was, because the host with its log is away: that host, and the age of what is shown;
 * null: unknown.
 * @param {Summary} run
 */
export function lastKnown(run) {
  if (run.state === "archive") return undefined;
  const host = run.host || run.key.replace(/-\d+@.*/, "");
  return behind(hosts.state.value.data?.hosts ?? [], asOf.value).find((one) => one.host === host);
}

listen((frame) => {
  if (frame.type !== "event") return;
  const { event } = frame;
  if (
    event === "DataAsked" ||
    event === "RunEnding" ||
    event === "RunEnded" ||
    (event === "NodeSettled" && isAsked(frame.run, frame.node?.id))
  )
    formsSoon();
  if (event === "RunPended" || event === "FlowPinned" || event === "RunActivated" || event === "RunEnded") pendsSoon();
  if (event === "RunPended" || event === "RunEnded") listsSoon();
});

effect(() => {
  if (!generation.value) return;
  void forms.load();
  void pends.load();
});
