// The output of one attempt: its number of lines, and the few visible ones.
// Lines come by HTTP in pieces that are dropped later; the feed reports new ones.
import { signal } from "@preact/signals";
import { spansOf, styleOf } from "./ansi.js";
import { get, seg } from "./api.js";
import * as feed from "./feed.js";
import { asProblem, listen } from "./state.js";

/** @typedef {import("./ansi.js").Span} Span */
/** @typedef {{number: number, spans: Span[], more: number}} Line  more: bytes that were not sent */
/**
 * @typedef {{text: string, bytes: number, style: string}} Told  style: in effect at its start, as the codes of an
 *   escape
 */
/** @typedef {{told: Told[], lines: Line[]}} Piece  lines: the parsed ones */
/**
 * @typedef {{count: number, bytes: number, live: boolean, opened: boolean, error: import("./api.js").Problem | null,
 *   version: number}} Shown
 */

const PIECE_LINES = 200;
const PIECES_MAX = 100;
const REFRESH_MS = 100;
/** Bytes of a line that the host sends. */
const LINE_BYTES = 4096;

export class Output {
  /** `version` counts up with every change. @type {import("@preact/signals").Signal<Shown>} */
  shown = signal({ count: 0, bytes: 0, live: false, opened: false, error: null, version: 0 });
  #key;
  /** By index, from 0; the most recently used last. @type {Map<number, Piece>} */
  #pieces = new Map();
  /** The visible lines. @type {[number, number]} */
  #wanted = [1, 0];
  #busy = false;
  #timer = 0;
  #stop = () => {};
  #closed = false;

  /** Whether requests name the visit; an older floe knows none. */
  isVisitNamed = true;

  /** @param {string} run @param {string} node @param {number} visit @param {number} attempt @param {number} [item] */
  constructor(run, node, visit, attempt, item) {
    this.run = run;
    this.node = node;
    this.visit = visit;
    this.attempt = attempt;
    this.item = item;
    this.#key = `${run}/${node}/${visit}/${attempt}/${item ?? ""}`;
  }

  /** Load its size, and follow its growth. */
  async open() {
    await this.#refresh();
    if (this.#closed || this.shown.value.error || !this.shown.value.live) return;
    this.#stop = listen((frame) => {
      if (
        frame.type !== "output" ||
        frame.run !== this.run ||
        frame.node !== this.node ||
        (frame.visit ?? 1) !== this.visit ||
        frame.item !== this.item ||
        frame.attempt !== this.attempt
      )
        return;
      this.#timer ||= setTimeout(() => void this.#refresh(), REFRESH_MS);
    });
    const { run, node, visit, attempt, item } = this;
    feed.follow(this.#key, () => ({ run, node, visit, attempt, item, offset: this.shown.peek().bytes }));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stop();
    feed.unfollow(this.#key);
  }

  /** A line, if it is loaded. @param {number} number */
  line(number) {
    const piece = this.#pieces.get(pieceOf(number));
    const at = (number - 1) % PIECE_LINES;
    const told = piece?.told[at];
    return told && (piece.lines[at] ??= lineOf(number, told));
  }

  /**
   * Load the missing ones of these lines; earlier requests that have not started are dropped.
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    this.#wanted = [first, last];
    if (!this.#busy) void this.#fill();
  }

  /** URL of this output as one plain file. */
  get href() {
    const visit = this.isVisitNamed ? `visit=${this.visit}&` : "";
    const item = this.item === undefined ? "" : `item=${this.item}&`;
    return `runs/${seg(this.run)}/nodes/${seg(this.node)}/log?${item}${visit}attempt=${this.attempt}`;
  }

  /**
   * The numbers of the lines from a given line on that contain a text.
   * @param {string} text @param {number} from @param {AbortSignal} signal
   * @returns {Promise<{found: number[], next: number | null, count: number}>}
   */
  find(text, from, signal) {
    return get(`${this.href.replace("/log?", "/log/find?")}&text=${seg(text)}&from=${from}`, signal);
  }

  async #fill() {
    this.#busy = true;
    for (let piece = this.#missing(); piece >= 0; piece = this.#missing())
      await this.#load(piece * PIECE_LINES + 1, PIECE_LINES);
    this.#busy = false;
  }

  #missing() {
    if (this.#closed || this.shown.value.error) return -1;
    const [first, last] = this.#wanted;
    for (let piece = pieceOf(first); piece <= pieceOf(Math.min(last, this.shown.value.count)); piece++) {
      if (!this.#pieces.has(piece)) return piece;
    }
    return -1;
  }

  /** Load the end and the current size. */
  async #refresh() {
    await this.#load(-2 * PIECE_LINES, 2 * PIECE_LINES);
    this.#timer = 0;
  }

  /** @param {number} from @param {number} count */
  async #load(from, count) {
    try {
      /** @type {{from: number, count: number, bytes: number, live: boolean, lines: Told[]}} */
      const answer = await get(`${this.href.replace("/log?", "/log/lines?")}&from=${from}&count=${count}`);
      if (this.#closed) return;
      if (answer.count > this.shown.value.count) this.#pieces.delete(pieceOf(Math.max(1, this.shown.value.count)));
      const skip = (PIECE_LINES - ((answer.from - 1) % PIECE_LINES)) % PIECE_LINES;
      for (let at = skip; at < answer.lines.length; at += PIECE_LINES)
        this.#keep(answer.from + at, answer.lines.slice(at, at + PIECE_LINES));
      const { count: lines, bytes, live } = answer;
      this.#show({
        count: Math.max(lines, this.shown.value.count),
        bytes: Math.max(bytes, this.shown.value.bytes),
        live,
        opened: true,
        error: null,
      });
    } catch (error) {
      if (!this.#closed) this.#show({ error: asProblem(error) });
    }
  }

  /** @param {number} first @param {Told[]} told */
  #keep(first, told) {
    const place = pieceOf(first);
    this.#pieces.delete(place);
    this.#pieces.set(place, { told, lines: [] });
    for (const old of this.#pieces.keys()) {
      if (this.#pieces.size <= PIECES_MAX) break;
      this.#pieces.delete(old);
    }
  }

  /** @param {Partial<Shown>} changes */
  #show(changes) {
    this.shown.value = { ...this.shown.value, ...changes, version: this.shown.value.version + 1 };
  }
}

/** @param {number} number @param {Told} told @returns {Line} */
const lineOf = (number, { text, bytes, style }) => ({
  number,
  spans: spansOf(text, styleOf(style)),
  more: Math.max(0, bytes - LINE_BYTES),
});

/** @param {number} number */
const pieceOf = (number) => Math.floor((number - 1) / PIECE_LINES);
