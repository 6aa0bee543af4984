// Flows by name, and the newest run of each.
import { isOfFlyte } from "./route.js";
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
  const { data } = flows.state.value;
  const all = data?.flows ?? [];
  if (data && isOfFlyte(id)) return namesOf(data).get(id) ?? "flyte flow";
  return all.find((flow) => flow.id === id && latest(all, flow))?.name || id;
}

/** @type {WeakMap<object, Map<string, string>>} */
const names = new WeakMap();

/** The names of flyte's flows by id. @param {import("./types/schemas").Flows} data */
function namesOf(data) {
  const known = names.get(data) ?? new Map(data.flyte.flows.map(({ id, name }) => [id, name]));
  names.set(data, known);
  return known;
}

/** What a run is about, without the name of its flow before it. @param {import("./types/api").Summary} run */
export function titleOf({ flow, title }) {
  const before = isOfFlyte(flow) ? `${flowName(flow)}: ` : "";
  return before && title.startsWith(before) ? title.slice(before.length) : title;
}

/** A flow with its newest run, as far as its list has that.
 * @typedef {{id: string, last?: import("./types/api").Summary | null}} WithLast */

/** The newest known run of the flow. @param {WithLast} flow */
export function lastRun(flow) {
  let last = flow.last ?? null;
  for (const run of runs.value.values()) {
    if (run.flow === flow.id && (!last || (run.pended_at ?? "") >= (last.pended_at ?? ""))) last = run;
  }
  return last;
}

/** The state of the last run of a flow. @param {WithLast} flow */
export function lastState(flow) {
  const last = lastRun(flow);
  return last ? waitingState(last) : "never";
}

/** Whether the last run of a flow is shown as it was. @param {WithLast} flow */
export function isLastKnown(flow) {
  const last = lastRun(flow);
  return last !== null && lastKnown(last) !== undefined;
}
