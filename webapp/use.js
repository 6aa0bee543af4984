// Hooks between state and components: a live run, a reply loaded on demand.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Problem, get, seg } from "./api.js";
import { asProblem, generation, hold, release } from "./state.js";
import { plain } from "./text.js";

/** @template T @typedef {import("./state.js").Loaded<T>} Loaded */

/**
 * The reply of GET `path`, loaded again when the path changes, when the feed has lost its position, and when
 * `again` is called.
 * @template T
 * @param {string} path  "" loads nothing
 * @param {string | number} [version]  loads again when it changes
 * @returns {Loaded<T> & {again: () => void}}
 */
export function useLoad(path, version = "") {
  const [state, set] = useState(/** @type {Loaded<T> & {path: string}} */ ({ path, data: null, error: null }));
  const [count, setCount] = useState(0);
  const born = generation.value;
  useEffect(() => {
    if (!path || !born) return;
    const abort = new AbortController();
    get(path, abort.signal).then(
      (data) => set({ path, data: /** @type {T} */ (data), error: null }),
      (error) => {
        if (!abort.signal.aborted)
          set((old) => ({ path, data: old.path === path ? old.data : null, error: asProblem(error) }));
      },
    );
    return () => abort.abort();
  }, [path, version, born, count]);
  const mine = state.path === path;
  return { data: mine ? state.data : null, error: mine ? state.error : null, again: () => setCount((n) => n + 1) };
}

/** A run in full, live. @param {string} id */
export function useRun(id) {
  const held = useRef(/** @type {import("./state.js").Open | null} */ (null));
  if (held.current?.id !== id) {
    if (held.current) release(held.current);
    held.current = hold(id);
  }
  // In a layout effect: a normal effect that waits for the next frame is not cleaned up if the page is left before.
  useLayoutEffect(
    () => () => {
      if (held.current) release(held.current);
      held.current = null;
    },
    [],
  );
  return held.current.state.value;
}

/**
 * A run after one of its events; null for now, and until it is loaded. Of many moments requested in a row only the
 * last is loaded.
 * @param {string} id
 * @param {number} seq  0 for now
 */
export function useMoment(id, seq) {
  const [state, set] = useState(/** @type {Loaded<import("./types/api").Detail>} */ ({ data: null, error: null }));
  const wanted = useRef(seq);
  const busy = useRef(false);
  const load = async () => {
    busy.current = true;
    for (let done = 0; wanted.current && wanted.current !== done; ) {
      done = wanted.current;
      try {
        set({ data: await get(`runs/${seg(id)}?seq=${done}`), error: null });
      } catch (error) {
        set({ data: null, error: asProblem(error) });
      }
    }
    busy.current = false;
  };
  useEffect(() => {
    wanted.current = seq;
    if (seq && !busy.current) void load();
    return () => {
      wanted.current = 0;
    };
  }, [id, seq]);
  return seq ? state : { data: null, error: null };
}

const LOOK_MS = 5000;

/** Repeat an action while the page is visible. @param {() => unknown} act @param {boolean} [when] */
export function useEvery(act, when = true) {
  useEffect(() => {
    if (!when) return;
    const timer = setInterval(() => document.hidden || void act(), LOOK_MS);
    return () => clearInterval(timer);
  }, [act, when]);
}

/** Set the title of the tab and of the history entry. @param {string} text */
export function useTitle(text) {
  useEffect(() => {
    document.title = text ? `${plain(text)} · floe` : "floe";
  }, [text]);
}

/**
 * Run an action, never twice at the same time: `busy` while it runs, `error` from the host.
 * @param {() => Promise<unknown>} action
 */
export function useAction(action) {
  const [state, set] = useState({ busy: false, error: /** @type {import("./api.js").Problem | null} */ (null) });
  const run = async () => {
    if (state.busy) return;
    set({ busy: true, error: null });
    try {
      await action();
      set({ busy: false, error: null });
    } catch (error) {
      set({ busy: false, error: error instanceof Problem ? error : null });
      asProblem(error);
    }
  };
  return { ...state, run };
}
