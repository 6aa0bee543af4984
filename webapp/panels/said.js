// A reason from the host, with local times, and links to the runs it names.
import { html } from "../html.js";
import { runHref } from "../route.js";
import { runs } from "../state.js";
import { plain } from "../text.js";
import { timed } from "../time.js";

const WORDS = /([^\s,;()]+)/;

/** @param {{text: string}} props */
export function Said({ text }) {
  return timed(plain(text))
    .split(WORDS)
    .map((word) => (runs.value.has(word) ? html`<a class="id" href=${runHref(word)}>${word}</a>` : word));
}
