// What a list of hosts means: how each is, which are behind, what they carry together. Pure.
/** @typedef {import("./types/api").Host} Host */

/** As long as this a host is expected to be silent at most; then nothing more is given to it. */
const STALE_MS = 10_000;
/** Less than this is the network's doing. */
const SKEW_MS = 1000;

/** By the clock of the host that answers, which is the only one it is compared with. @param {Host[]} hosts */
const answeredAt = (hosts) => Date.parse(hosts.find((host) => host.self)?.seen_at ?? "");

/** Whether nothing was heard of it for too long. @param {Host} host @param {Host[]} hosts  all of them */
export const isAway = (host, hosts) => !host.self && !(answeredAt(hosts) - Date.parse(host.seen_at ?? "") < STALE_MS);

/** The one word for how a host is, for people and for colours. @param {Host} host @param {Host[]} hosts  all of them */
export function hostState(host, hosts) {
  if (isAway(host, hosts)) return "away";
  if (host.problems?.length) return "troubled";
  return host.draining ? "draining" : "well";
}

/**
 * Hosts whose part in a list is older than the rest of it, and since when; null: not known.
 * @param {Host[]} hosts
 * @param {import("./types/api").AsOf} [asOf]  what the list says of it
 * @returns {{host: string, at: string | null}[]}
 */
export const behind = (hosts, asOf = {}) =>
  hosts
    .filter((host) => isAway(host, hosts))
    .map((host) => ({ host: host.id, at: (Object.hasOwn(asOf, host.id) ? asOf[host.id] : null) ?? host.seen_at }));

/** Those with something wrong first, then as they came. @param {Host[]} hosts */
export const byNeed = (hosts) => [...hosts].sort((a, b) => need(b, hosts) - need(a, hosts));

/** @param {Host} host @param {Host[]} hosts */
const need = (host, hosts) => ["well", "draining", "troubled", "away"].indexOf(hostState(host, hosts));

/** Every tag, in order, and how many hosts have it. @param {Host[]} hosts @returns {[string, number][]} */
export function tagsOf(hosts) {
  const tags = [...new Set(hosts.flatMap((host) => host.tags))].sort();
  return tags.map((tag) => [tag, hosts.filter((host) => host.tags.includes(tag)).length]);
}

/** In words how its clock differs; empty where it does not. @param {Host} host */
export function clockText({ clock_offset_ms: ahead }) {
  if (!ahead || Math.abs(ahead) < SKEW_MS) return "";
  return `its clock is ${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead > 0 ? "ahead" : "behind"}`;
}
