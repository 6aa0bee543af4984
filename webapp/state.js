// The state of the dashboard: loaded by HTTP, updated by the feed, read by pages through signals.
// Nothing here draws, and nothing here interprets events: frames carry changed
// nodes and summaries in full, and the newer one (epoch, then seq) wins.
import { batch, effect, signal } from "@preact/signals";
import * as api from "./api.js";
import * as feed from "./feed.js";

/** @typedef {import("./types/api").Summary} Summary */
/** @typedef {import("./types/api").Detail} Detail */
/** @typedef {import("./types/api").EventFrame} EventFrame */
/** @typedef {import("./types/api").OutputFrame} OutputFrame */
/**
 * Loaded data: at first neither data nor error; a failed load keeps the data of the last successful one.
 * @template T
 * @typedef {{data: T | null, error: api.Problem | null}} Loaded
 */

const RECENT = 40;
const ACTIVE_MAX = 200;
const KEPT_MAX = 1000;
/** A host that is silent for longer counts as away. */
const AWAY_MS = 10_500;

/** The logged-in user; null for none, undefined while unknown. */
export const user = signal(/** @type {string | null | undefined} */ (undefined));
/** The same as events of runs name them. */
export const me = signal("");
/** Counts up when events may have been missed and all shown data must be loaded again. 0: not yet loaded. */
export const generation = signal(0);
/** Every known run in its newest state. */
export const runs = signal(/** @type {Map<string, Summary>} */ (new Map()));
/** The age of the lists of runs per host. */
export const asOf = signal(/** @type {import("./types/api").AsOf} */ ({}));
/** Whether the lists of runs are loaded, and the error if not. */
export const runsLoaded = signal(/** @type {Loaded<true>} */ ({ data: null, error: null }));

/**
 * A part of the state: a complete reply, reloaded on request; `version` counts the loads.
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

/** @type {ReturnType<typeof cell<import("./types/schemas").Flows>>} */
export const flows = cell(() => "flows");
/** @type {ReturnType<typeof cell<{hosts: import("./types/api").Host[]}>>} */
export const hosts = cell(() => "hosts");

/** An error as a problem that the state can hold. @param {unknown} error @returns {api.Problem} */
export function asProblem(error) {
  if (error instanceof api.Problem) return error;
  throw error; // a bug of this page, not a reply of the host
}

// --- runs in full -------------------------------------------------------------------------

/** @typedef {{id: string, state: import("@preact/signals").Signal<Loaded<Detail>>,
 *   loading: boolean, again: boolean, missed: EventFrame[], users: number}} Open */
/** @type {Map<string, Open>} */
const opened = new Map();

/**
 * Hold a run in the state, in full and live, until `release`.
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

/** Let the state drop a run that was held. @param {Open} open */
export function release(open) {
  open.users -= 1;
  if (!open.users) opened.delete(open.id);
}

/** Load a run in full; events that arrive during the load are applied to the reply. @param {Open} open */
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
    // A run's graph never changes once it is known: keeping the object keeps its layout.
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
 * The run after some more events; the same object if none is new.
 * @param {Detail} run
 * @param {EventFrame[]} frames
 * @returns {Detail}
 */
function advanced(run, frames) {
  const fresh = frames.filter((frame) => isNewer(frame, run));
  if (!fresh.length) return run;
  const { epoch, seq } = fresh[fresh.length - 1];
  /** @type {Map<string, import("./types/schemas").NodeChange[]>} */
  const changed = Map.groupBy(
    fresh.flatMap(({ node }) => (node ? [node] : [])),
    ({ id }) => id,
  );
  const nodes = run.nodes.map((old) => (changed.has(old.id) ? withChanges(old, changed.get(old.id) ?? []) : old));
  return Object.assign({}, run, ...fresh.map(({ summary }) => summary), { nodes, epoch, seq });
}

/**
 * A node after some changes; of its items each has only those that it is about.
 * @param {import("./types/api").RunNode} node
 * @param {import("./types/schemas").NodeChange[]} changes
 */
function withChanges(node, changes) {
  const changed = Object.assign({}, node, ...changes);
  const items = changes.flatMap((change) => change.item_states ?? []);
  if (!items.length) return changed;
  const isNew = changes.some((change) => change.items); // a visit begins with its list
  const states = new Map((isNew ? [] : (node.item_states ?? [])).map((one) => [one.item, one]));
  for (const one of items) states.set(one.item, one);
  return { ...changed, item_states: [...states.values()] };
}

/** @param {{epoch: number, seq: number}} a @param {{epoch: number, seq: number}} b */
const isNewer = (a, b) => a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);

/**
 * Whether a run ended without an event, because all hosts able to continue it are lost.
 * @param {Summary} a
 * @param {Summary} b
 */
const isLost = (a, b) => a.epoch === b.epoch && a.seq === b.seq && a.state === "archive" && b.state !== "archive";

/** Apply the events of one run. @param {EventFrame[]} frames */
function toOpened(frames) {
  const open = opened.get(frames[0].run);
  if (!open) return;
  if (open.loading) open.missed.push(...frames);
  const { data } = open.state.value;
  if (!data) return;
  const next = advanced(data, frames);
  if (next === data) return;
  open.state.value = { data: next, error: null };
  // Forms, child runs, the graph of a flow-file and the move of a workspace come only with a complete run.
  const asked = new Set(data.nodes.filter((node) => node.state === "asking").map(({ id }) => id));
  if (
    frames.some(
      ({ event, node }) =>
        event === "FlowPinned" ||
        event === "RunEnded" ||
        event === "ChildPended" ||
        (event === "RunActivated" && data.rerun_of) ||
        node?.state === "asking" ||
        asked.has(node?.id ?? ""),
    )
  )
    void loadRun(open);
}

/** A re-run may have taken the workspace of an ended run, whose page then names it. @param {EventFrame} frame */
function mayHaveMoved({ event, run, summary }) {
  if (event !== "RunActivated") return;
  for (const open of opened.values()) {
    const { data } = open.state.value;
    if (data?.state === "archive" && data.flow === summary?.flow && data.id !== run && !data.moved_to)
      void loadRun(open);
  }
}

// --- lists --------------------------------------------------------------------------------

/** Add summaries to the state that are newer than the known ones. @param {Summary[]} list */
export function learn(list) {
  const next = new Map(runs.value);
  let changed = false;
  for (const summary of list) {
    const known = next.get(summary.id);
    // If the name now means a different run, the two cannot be compared.
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

/** Order runs of the state from the newest. @param {Summary} a @param {Summary} b */
export const byNewest = (a, b) => later(b.ended_at ?? b.pended_at, a.ended_at ?? a.pended_at);

/** Order pending runs of the state from the newest. @param {Summary} a @param {Summary} b */
export const byPended = (a, b) => later(b.pended_at, a.pended_at);

/** Instants have one format, so a plain comparison is enough. @param {string | null} a @param {string | null} b */
const later = (a, b) => Number((a ?? "") > (b ?? "")) - Number((a ?? "") < (b ?? ""));

/** Load the runs into the state. */
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
 * Call a listener of the state with every event and output frame; returns a function that stops it.
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
        mayHaveMoved(frame);
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

/** A host went away or came back: the data about its runs has the age of its last message. */
function hostChanged() {
  const look = () => Promise.all([hosts.load(), loadRuns(), ...[...opened.values()].map(loadRun)]);
  for (const wait of [0, AWAY_MS]) setTimeout(() => void look(), wait);
}

function reload() {
  runs.value = new Map();
  generation.value += 1;
  void Promise.all([flows.load(), hosts.load(), loadRuns(), ...[...opened.values()].map(loadRun)]);
}

// --- login --------------------------------------------------------------------------------

api.onUnauthorized.call = () => (user.value = null);

/** Load the logged-in user into the state; without a reply nothing changes. */
export async function checkLogin() {
  try {
    const login = await api.request("login");
    feed.identify(login.headers.get("X-Floe-Page") ?? "");
    const { user: name, by } = await login.json();
    batch(() => {
      me.value = by;
      user.value = name;
    });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) user.value = null;
    else if (user.value === undefined) runsLoaded.value = { data: null, error: problem };
  }
}

/** Log in with a token, and load the user into the state. @param {string} token */
export async function logIn(token) {
  await api.post("login", { token });
  await checkLogin();
}

/** Log out: the state has no user any more. */
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
  // A refused websocket looks like a dead host; only HTTP reveals that the session has ended.
  void checkLogin();
  if (!generation.peek()) reload(); // the feed never connected: load by HTTP
});
