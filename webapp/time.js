// Readable instants and durations, and calls at a later time. `now` ticks once a second while the page is visible.
import { signal } from "@preact/signals";

export const now = signal(Date.now());
/** Whether time stands still: nothing is known of the host, so nothing counts on. */
export const isStill = signal(false);
setInterval(() => {
  if (!document.hidden && !isStill.value) now.value = Date.now();
}, 1000);

/** @typedef {string | null | undefined} Instant */

/** A time in milliseconds as a duration. @param {number} ms */
export function duration(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 0.001) return "< 1 ms"; // instants are whole milliseconds
  if (s < 1) return `${Math.round(1000 * s)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} m ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
  const h = Math.floor(m / 60);
  if (h < 48) return `${h} h ${String(m % 60).padStart(2, "0")} m`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

/** The duration from start to end or now; empty before the start. @param {Instant} start @param {Instant} end */
export function took(start, end) {
  if (!start) return "";
  const until = end ? Date.parse(end) : Math.floor(now.value / 1000) * 1000;
  const ms = Math.max(0, until - Date.parse(start));
  if (end) return duration(ms);
  const s = Math.round(ms / 1000); // still counting: fractions would only flicker
  return s < 60 ? `${s} s` : duration(1000 * s);
}

/** The seconds since an instant, as `took` counts. @param {string} at */
const since = (at) => Math.round((Math.floor(now.value / 1000) * 1000 - Date.parse(at)) / 1000);

/** The age of an instant. It is past, also where the clock of the browser is late. @param {Instant} at */
export function ago(at) {
  if (!at) return "";
  return since(at) < 5 ? "just now" : `${plainSpan(since(at))} ago`;
}

/** How soon an instant is. @param {string} at */
export const soonText = (at) => `in ${plainSpan(Math.max(0, -since(at)))}`;

/** @param {number} s */
function plainSpan(s) {
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

const preciseFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/** The day of an instant in words: today, yesterday, … @param {Instant} at */
export function day(at) {
  if (!at) return "";
  const [then, today] = [new Date(at), new Date(now.value)];
  const days = Math.round(
    (new Date(today.toDateString()).getTime() - new Date(then.toDateString()).getTime()) / 86_400_000,
  );
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : dayFormat.format(then);
}

const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** A time with its date, to the millisecond. @param {Instant} at */
export const exact = (at) => (at ? `${dateFormat.format(new Date(at))}, ${precise(at)}` : "");
/** A time of day, to the millisecond. @param {Instant} at */
export const precise = (at) => (at ? preciseFormat.format(new Date(at)) : "");
/** A time of day. @param {Instant} at */
export const clock = (at) => (at ? clockFormat.format(new Date(at)) : "");
/** A time with its date. @param {Instant} at */
export const full = (at) => (at ? fullFormat.format(new Date(at)) : "");

/** An instant with its date and its age, for a pointer that rests on it. @param {Instant} at */
export const hover = (at) => (at ? `${full(at)}, ${ago(at)}` : "");

/** An instant in its shortest unambiguous form: the date is omitted for today. @param {Instant} at */
export const when = (at) => (day(at) === "Today" ? clock(at) : full(at));

const minuteFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const datedFormat = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** A time to the minute, with its date unless that is today. @param {Instant} at */
export const minute = (at) => (at ? (day(at) === "Today" ? minuteFormat : datedFormat).format(new Date(at)) : "");

/**
 * An instant in a column: relative within the last hour, else precise enough to distinguish two of a day.
 * @param {Instant} at
 */
export function brief(at) {
  if (!at || now.value - Date.parse(at) < 3_600_000) return ago(at);
  return minute(at);
}

const INSTANTS = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** A text with readable times in place of instants. @param {string} text */
export const timed = (text) => text.replace(INSTANTS, when);

/**
 * A function that calls `act` once, a time after its first call.
 * @param {() => unknown} act
 * @param {number} ms
 */
export function soon(act, ms) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      act();
    }, ms);
  };
}
