// Flows by name, and the newest run of each.
import { flows, runs } from "./state.js";
import { lastKnown, waitingState } from "./waits.js";

/**
 * Whether a start by id alone uses this version.
 * @param {import("./types/api").Flow[]} flows
 * @param {import("./types/api").Flow} flow
 */
export const latest = (flows, flow) => flows.every((other) => other.id !== flow.id || other.ver <= flow.ver);

/** The name of a flow for people: of its latest version. @param {string} id */
export function flowName(id) {
  const all = flows.state.value.data?.flows ?? [];
  return all.find((flow) => flow.id === id && latest(all, flow))?.name || id;
}

/** The newest known run of the flow. @param {import("./types/api").Flow} flow */
export function lastRun(flow) {
  let last = flow.last ?? null;
  for (const run of runs.value.values()) {
    if (run.flow === flow.id && (!last || (run.pended_at ?? "") >= (last.pended_at ?? ""))) last = run;
  }
  return last;
}

/** The state of the last run of a flow. @param {import("./types/api").Flow} flow */
export function lastState(flow) {
  const last = lastRun(flow);
  return last ? waitingState(last) : "never";
}

/** Whether the last run of a flow is shown as it was. @param {import("./types/api").Flow} flow */
export function isLastKnown(flow) {
  const last = lastRun(flow);
  return last !== null && lastKnown(last) !== undefined;
}
