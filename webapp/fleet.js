// Conclusions from a list of hosts: state of each, hosts with old data, total load. Pure.
import { plural } from "./text.js";
import { when } from "./time.js";

/** @typedef {import("./types/api").Host} Host */

/** A host that is silent for longer gets no more runs. */
const STALE_MS = 10_000;
/** A smaller skew may come from the network. */
const SKEW_MS = 1000;

/** The present, by the clock of the replying host, the only one used for comparisons. @param {Host[]} hosts */
const answeredAt = (hosts) => Date.parse(hosts.find((host) => host.self)?.seen_at ?? "");

/** Whether a host of the fleet was silent for too long. @param {Host} host @param {Host[]} hosts  all of them */
export const isAway = (host, hosts) => !host.self && !(answeredAt(hosts) - Date.parse(host.seen_at ?? "") < STALE_MS);

/** What is wrong with a host of the fleet, as sentences without a subject. @param {Host} host */
export function troublesOf({ problems, config }) {
  const errors = config?.findings.filter(({ level }) => level === "error").length ?? 0;
  if (!errors) return problems ?? [];
  const since = config?.loaded_at ? `the flows of ${when(config.loaded_at)} go on` : "it has no flows";
  return [...(problems ?? []), `its config has ${plural(errors, "error")}: ${since}`];
}

/**
 * The state of a host of the fleet in one word, for text and colours.
 * @param {Host} host
 * @param {Host[]} hosts  all of them
 */
export function hostState(host, hosts) {
  if (isAway(host, hosts)) return "away";
  if (troublesOf(host).length) return "troubled";
  return host.draining ? "draining" : "well";
}

/**
 * Hosts of the fleet whose part of a list is older than the rest, and since when; null: unknown.
 * @param {Host[]} hosts
 * @param {import("./types/api").AsOf} [asOf] ages from the list
 * @returns {{host: string, at: string | null}[]}
 */
export const behind = (hosts, asOf = {}) =>
  hosts
    .filter((host) => isAway(host, hosts))
    .map((host) => ({ host: host.id, at: (Object.hasOwn(asOf, host.id) ? asOf[host.id] : null) ?? host.seen_at }));

/** The fleet with the hosts with problems first, then in the original order. @param {Host[]} hosts */
export const byNeed = (hosts) => [...hosts].sort((a, b) => need(b, hosts) - need(a, hosts));

/** @param {Host} host @param {Host[]} hosts */
const need = (host, hosts) => ["well", "draining", "troubled", "away"].indexOf(hostState(host, hosts));

/** Every tag of the fleet, sorted, with its number of hosts. @param {Host[]} hosts @returns {[string, number][]} */
export function tagsOf(hosts) {
  const tags = [...new Set(hosts.flatMap((host) => host.tags))].sort();
  return tags.map((tag) => [tag, hosts.filter((host) => host.tags.includes(tag)).length]);
}

/** The clock skew of a host of the fleet in words; empty if there is none. @param {Host} host */
export function clockText({ clock_offset_ms: ahead }) {
  if (!ahead || Math.abs(ahead) < SKEW_MS) return "";
  return `its clock is ${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead > 0 ? "ahead" : "behind"}`;
}
