// What the dashboard knows: filled by HTTP, kept true by the feed, read by pages through signals.
// Nothing here draws, and nothing here works out what an event means: frames carry changed
// nodes and summaries in full, and the newer one (epoch, then seq) wins.
import { batch, effect, signal } from "@preact/signals";
import * as api from "./api.js";
import * as feed from "./feed.js";

/** @typedef {import("./types/api").Summary} Summary */
/** @typedef {import("./types/api").Detail} Detail */
/** @typedef {import("./types/api").EventFrame} EventFrame */
/** @typedef {import("./types/api").OutputFrame} OutputFrame */
/**
 * Something that is loaded: at first neither data nor error, later the last data even if a
 * later load failed.
 * @template T
 * @typedef {{data: T | null, error: api.Problem | null}} Loaded
 */

const RECENT = 40;
const ACTIVE_MAX = 200;
const KEPT_MAX = 1000;
/** After this a host that is silent counts as away. */
const AWAY_MS = 10_500;

/** Who is logged in; null for nobody, undefined until we know. */
export const user = signal(/** @type {string | null | undefined} */ (undefined));
/** Counts up when something may have been missed: what is shown is to be loaded again. 0: not yet loaded. */
export const generation = signal(0);
/** Every run seen, newest state of each. */
export const runs = signal(/** @type {Map<string, Summary>} */ (new Map()));
/** How old what the lists of runs tell of each host is. */
export const asOf = signal(/** @type {import("./types/api").AsOf} */ ({}));
/** Whether the lists of runs are there, and what was wrong if not. */
export const runsLoaded = signal(/** @type {Loaded<true>} */ ({ data: null, error: null }));

/**
 * A whole answer, loaded again when told so; `version` counts its arrivals.
 * @template T
 * @param {() => string} path
 */
export function cell(path) {
  let readers = 0;
  let isStale = false;
  const read = {
    watched() {
      readers += 1;
      if (isStale) void load();
    },
    unwatched: () => void (readers -= 1),
  };
  const state = signal(/** @type {Loaded<T>} */ ({ data: null, error: null }), read);
  const version = signal(0, read);
  let asked = 0;
  async function load() {
    const mine = ++asked;
    isStale = false;
    try {
      const data = await api.get(path());
      if (mine !== asked) return;
      state.value = { data: /** @type {T} */ (data), error: null };
      version.value += 1;
    } catch (error) {
      if (mine === asked) state.value = { data: state.value.data, error: asProblem(error) };
    }
  }
  return {
    state,
    version,
    clear: () => (state.value = { data: null, error: null }),
    load,
    /** Load again: now if a page shows this, else as soon as one does. */
    refresh() {
      if (readers) return load();
      isStale = true;
    },
  };
}

/** @type {ReturnType<typeof cell<{flows: import("./types/api").Flow[], findings: import("./types/api").Finding[]}>>} */
export const flows = cell(() => "flows");
/** @type {ReturnType<typeof cell<{hosts: import("./types/api").Host[]}>>} */
export const hosts = cell(() => "hosts");

/** @param {unknown} error @returns {api.Problem} */
export function asProblem(error) {
  if (error instanceof api.Problem) return error;
  throw error; // a fault of this page, not an answer of the host
}

// --- runs in full -------------------------------------------------------------------------

/** @typedef {{id: string, state: import("@preact/signals").Signal<Loaded<Detail>>,
 *   loading: boolean, again: boolean, missed: EventFrame[], users: number}} Open */
/** @type {Map<string, Open>} */
const opened = new Map();

/**
 * Keep a run in full and live until `release`.
 * @param {string} id
 * @returns {Open}
 */
export function hold(id) {
  let open = opened.get(id);
  if (!open) {
    open = { id, state: signal({ data: null, error: null }), loading: false, again: false, missed: [], users: 0 };
    opened.set(id, open);
    if (generation.peek()) void loadRun(open);
  }
  open.users += 1;
  return open;
}

/** @param {Open} open */
export function release(open) {
  open.users -= 1;
  if (!open.users) opened.delete(open.id);
}

/** Load a run in full; events that come meanwhile are applied to the answer. @param {Open} open */
async function loadRun(open) {
  if (open.loading) {
    open.again = true;
    return;
  }
  open.loading = true;
  open.missed = [];
  try {
    /** @type {Detail} */
    let data = advanced(await api.get(`runs/${api.seg(open.id)}`), open.missed);
    // A run's graph is pinned once it is known: keeping the object keeps its layout.
    const known = open.state.value.data;
    if (known?.key === data.key && known.graph.nodes.length) data = { ...data, graph: known.graph };
    open.state.value = { data, error: null };
    learn([data]);
  } catch (error) {
    const problem = asProblem(error);
    open.state.value = { data: [404, 410].includes(problem.status) ? null : open.state.value.data, error: problem };
  } finally {
    open.loading = false;
    if (open.again) {
      open.again = false;
      void loadRun(open);
    }
  }
}

/**
 * The run after some more events; itself if it knew them all.
 * @param {Detail} run
 * @param {EventFrame[]} frames
 * @returns {Detail}
 */
function advanced(run, frames) {
  const fresh = frames.filter((frame) => isNewer(frame, run));
  if (!fresh.length) return run;
  const { epoch, seq } = fresh[fresh.length - 1];
  const changed = new Map(fresh.flatMap(({ node }) => (node ? [[node.id, node]] : [])));
  const nodes = run.nodes.map((old) => (changed.has(old.id) ? { ...old, ...changed.get(old.id) } : old));
  return Object.assign({}, run, ...fresh.map(({ summary }) => summary), { nodes, epoch, seq });
}

/** @param {{epoch: number, seq: number}} a @param {{epoch: number, seq: number}} b */
const isNewer = (a, b) => a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);

/**
 * Whether a run is over without a fact: all who could go on with it are gone for good.
 * @param {Summary} a
 * @param {Summary} b
 */
const isLost = (a, b) => a.epoch === b.epoch && a.seq === b.seq && a.state === "archive" && b.state !== "archive";

/** Of one run. @param {EventFrame[]} frames */
function toOpened(frames) {
  const open = opened.get(frames[0].run);
  if (!open) return;
  if (open.loading) open.missed.push(...frames);
  const { data } = open.state.value;
  if (!data) return;
  const next = advanced(data, frames);
  if (next === data) return;
  open.state.value = { data: next, error: null };
  // Forms and the graph of a flow-file come with the run only.
  const asked = new Set(data.nodes.filter((node) => node.state === "asking").map(({ id }) => id));
  if (
    frames.some(
      ({ event, node }) =>
        event === "FlowPinned" || event === "RunEnded" || node?.state === "asking" || asked.has(node?.id ?? ""),
    )
  )
    void loadRun(open);
}

// --- lists --------------------------------------------------------------------------------

/** Take summaries in where they are newer than what is known. @param {Summary[]} list */
export function learn(list) {
  const next = new Map(runs.value);
  let changed = false;
  for (const summary of list) {
    const known = next.get(summary.id);
    // A name that means another run now says nothing of what is newer.
    if (known?.key === summary.key && !isNewer(summary, known) && !isLost(summary, known)) continue;
    next.set(summary.id, summary);
    changed = true;
  }
  if (!changed) return;
  if (next.size > KEPT_MAX) {
    const over = [...next.values()]
      .filter((run) => run.state === "archive")
      .sort(byNewest)
      .slice(RECENT);
    for (const run of over) next.delete(run.id);
  }
  runs.value = next;
}

/** @param {Summary} a @param {Summary} b */
export const byNewest = (a, b) => later(b.ended_at ?? b.pended_at, a.ended_at ?? a.pended_at);

/** @param {Summary} a @param {Summary} b */
export const byPended = (a, b) => later(b.pended_at, a.pended_at);

/** Instants are written alike: no need to ask a language. @param {string | null} a @param {string | null} b */
const later = (a, b) => Number((a ?? "") > (b ?? "")) - Number((a ?? "") < (b ?? ""));

export async function loadRuns() {
  try {
    const [open, over] = await Promise.all([
      api.get(`runs?state=pending,active&limit=${ACTIVE_MAX}`),
      api.get(`runs?state=archive&limit=${RECENT}`),
    ]);
    batch(() => {
      learn([...open.runs, ...over.runs]);
      asOf.value = open.as_of ?? {};
      runsLoaded.value = { data: true, error: null };
    });
  } catch (error) {
    runsLoaded.value = { data: runsLoaded.value.data, error: asProblem(error) };
  }
}

// --- the feed -----------------------------------------------------------------------------

/** @type {Set<(frame: EventFrame | OutputFrame) => void>} */
const listeners = new Set();
/**
 * Called with every event and output frame; returns how to stop.
 * @param {(frame: EventFrame | OutputFrame) => void} listener
 */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
/** @param {import("./types/api").Frame[]} frames */
function consume(frames) {
  batch(() => {
    /** @type {Summary[]} */
    const summaries = [];
    for (const frame of frames) {
      if (frame.type === "event") {
        if (frame.summary) summaries.push(frame.summary);
      }
      if (frame.type === "event" || frame.type === "output") for (const listener of listeners) listener(frame);
      if (frame.type === "flows") void Promise.all([flows.load(), hosts.load()]);
      if (frame.type === "host") hostChanged();
      if (frame.type === "reset") reload();
    }
    for (const list of Map.groupBy(
      frames.filter((frame) => frame.type === "event"),
      ({ run }) => run,
    ).values())
      toOpened(list);
    learn(summaries);
  });
}

/** A host is lost or back: what is told of its runs is as old as its last word. */
function hostChanged() {
  const look = () => Promise.all([hosts.load(), loadRuns(), ...[...opened.values()].map(loadRun)]);
  for (const wait of [0, AWAY_MS]) setTimeout(() => void look(), wait);
}

function reload() {
  runs.value = new Map();
  generation.value += 1;
  void Promise.all([flows.load(), hosts.load(), loadRuns(), ...[...opened.values()].map(loadRun)]);
}

// --- who we are ---------------------------------------------------------------------------

api.onUnauthorized.call = () => (user.value = null);

/** Ask who is logged in; no answer from the host leaves things as they are. */
export async function checkLogin() {
  try {
    const login = await api.request("login");
    feed.identify(login.headers.get("X-Floe-Page") ?? "");
    user.value = (await login.json()).user;
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) user.value = null;
    else if (user.value === undefined) runsLoaded.value = { data: null, error: problem };
  }
}

/** @param {string} token */
export async function logIn(token) {
  await api.post("login", { token });
  await checkLogin();
}

export async function logOut() {
  await api.post("logout");
  user.value = null;
}

effect(() => {
  if (user.value) {
    feed.open(consume);
  } else {
    feed.close();
    batch(() => {
      runs.value = new Map();
      runsLoaded.value = { data: null, error: runsLoaded.peek().error };
      flows.clear();
      hosts.clear();
    });
  }
});

effect(() => {
  if (feed.link.value.state !== "lost" || !user.peek()) return;
  // A refused websocket looks like a dead host; only HTTP can tell a session that has ended.
  void checkLogin();
  if (!generation.peek()) reload(); // no feed from the start: show what HTTP has
});
