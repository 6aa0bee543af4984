// The ticks of a timeline: at round durations from its start. Pure.

const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];
const STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  S,
  2 * S,
  5 * S,
  10 * S,
  15 * S,
  30 * S,
  M,
  2 * M,
  5 * M,
  10 * M,
  15 * M,
  30 * M,
  H,
  2 * H,
  3 * H,
  6 * H,
  12 * H,
  D,
];
/** @type {[string, number][]} */
const UNITS = [
  ["d", D],
  ["h", H],
  ["m", M],
  ["s", S],
  ["ms", 1],
];

/** The distance of ticks in ms, for at most `most` of them. @param {number} span  in ms @param {number} most */
export function tickStep(span, most) {
  const step = STEPS.find((one) => span / one <= most);
  return step ?? D * Math.ceil(span / D / most);
}

/** The text at a tick, a round duration in its shortest form: "1 m 30 s". @param {number} ms */
export function spanText(ms) {
  let left = ms;
  const words = [];
  for (const [unit, size] of UNITS) {
    if (left >= size) words.push(`${Math.floor(left / size)} ${unit}`);
    left %= size;
  }
  return words.join(" ") || "0";
}
