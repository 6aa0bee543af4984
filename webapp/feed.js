// The live feed: one websocket, resumed from the last position, backing off while it is down.
// Frames are delivered in batches, so that a thousand events per second redraw the page only
// as often as it is visible.
import { signal } from "@preact/signals";
import { read } from "./values.js";

const BATCH_MS = 40;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];

/** @typedef {import("./types/api").Frame} Frame */
/** @typedef {import("./types/api").Watch} Watch */

/** "connecting" until the first reply, then "live" or "lost"; `since` and `retry_at` in ms while lost. */
export const link = signal({ state: "connecting", since: 0, retry_at: 0 });

/** @type {WebSocket | null} */
let socket = null;
/** Proves to the host that its own page connects, whatever a proxy did to the address. */
let key = "";
let position = "";
let failures = 0;
let wanted = false;
let timer = 0;
/** @type {Frame[]} */
let pending = [];
let flushing = 0;
/** @type {(frames: Frame[]) => void} */
let deliver = () => {};
/** @type {Map<string, () => Watch>} */
const watched = new Map();

/**
 * Connect and stay connected. `consume` gets frames in order; a "reset" among them means that
 * events were missed and all shown data must be loaded again.
 * @param {(frames: Frame[]) => void} consume
 */
export function open(consume) {
  deliver = consume;
  wanted = true;
  connect();
}

/** Use the key of this session for connections of the feed from now on. @param {string} page */
export function identify(page) {
  key = page;
}

/** Disconnect the feed and forget its position (log out). */
export function close() {
  wanted = false;
  position = "";
  failures = 0;
  clearTimeout(timer);
  socket?.close();
  socket = null;
  link.value = { state: "connecting", since: 0, retry_at: 0 };
}

/** Connect the feed again now instead of at the end of the back-off. */
export function retry() {
  clearTimeout(timer);
  if (wanted && !socket) connect();
}

/**
 * Request the output of a node; `watch` is called at every reconnect for its current offset.
 * @param {string} key
 * @param {() => Watch} watch
 */
export function follow(key, watch) {
  watched.set(key, watch);
  send({ watch: watch() });
}

/** Request the output of a node no more in the feed. @param {string} key */
export function unfollow(key) {
  const watch = watched.get(key);
  if (!watch) return;
  watched.delete(key);
  const { run, node, item } = watch();
  send({ unwatch: { run, node, item } });
}

/** @param {import("./types/api").FeedRequest} frame */
function send(frame) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function connect() {
  const url = new URL("/ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (key) url.searchParams.set("page", key);
  if (position) url.searchParams.set("after", position);
  const resumed = position !== "";
  const mine = new WebSocket(url);
  socket = mine;
  mine.onmessage = ({ data }) => {
    if (mine !== socket) return;
    /** @type {Frame} */
    const frame = read(data);
    if (frame.type === "hello") {
      welcome(resumed);
      position ||= frame.pos;
    } else {
      queueFrame(frame);
    }
  };
  mine.onclose = () => {
    if (mine !== socket) return;
    socket = null;
    if (wanted) lost();
  };
}

/** @param {boolean} resumed */
function welcome(resumed) {
  failures = 0;
  link.value = { state: "live", since: 0, retry_at: 0 };
  // Without a position the events before this moment are unknown.
  if (!resumed) queueFrame({ type: "reset", pos: "" });
  for (const watch of watched.values()) send({ watch: watch() });
}

function lost() {
  const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] * (0.8 + 0.4 * Math.random());
  failures += 1;
  const since = link.value.since || Date.now();
  link.value = { state: "lost", since, retry_at: Date.now() + wait };
  timer = setTimeout(connect, wait);
}

/** @param {Frame} frame */
function queueFrame(frame) {
  if (frame.type === "event") position = frame.pos;
  if (frame.type === "reset") position = "";
  pending.push(frame);
  flushing ||= setTimeout(flush, BATCH_MS);
}

function flush() {
  flushing = 0;
  const frames = pending;
  pending = [];
  deliver(frames);
}
