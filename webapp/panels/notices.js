// The notices of an ended run, each with its progress.
import { useCallback } from "preact/hooks";
import { seg } from "../api.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { when } from "../time.js";
import { useEvery, useLoad } from "../use.js";

/** @typedef {import("../types/schemas").Notice} Notice */

/** @param {{run: import("../types/api").Detail}} props */
export function Notices({ run }) {
  const { data, again } = useLoad(run.state === "archive" ? `runs/${seg(run.id)}/notices` : "", run.seq);
  const list = /** @type {{notices: Notice[]} | null} */ (data)?.notices ?? [];
  useEvery(
    useCallback(again, []),
    list.some(({ state }) => state === "owed"),
  );
  if (!list.length) return null;
  return html`<section class="values"><h3>Notices</h3><dl>${list.map(
    (notice, i) => html`<div key=${i}><dt>${plain(notice.to)}</dt><dd>${plain(textOf(notice))}</dd></div>`,
  )}</dl></section>`;
}

/** @param {Notice} notice */
function textOf({ state, at, due, tries, why }) {
  if (state === "sent") return `sent at ${when(at)}`;
  if (state === "failed") return `not sent: ${why} (given up after ${tries} ${tries === 1 ? "try" : "tries"})`;
  return why ? `not sent yet: ${why}; next try at ${when(due)}` : "being sent";
}
