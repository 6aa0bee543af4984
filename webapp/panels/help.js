// The list of keyboard shortcuts; `?` opens it.
import { useLayoutEffect, useRef } from "preact/hooks";
import { html } from "../html.js";

const KEYS = [
  ["/", "search: in the output, else in the runs"],
  ["j k", "next and previous run or node in a list"],
  ["Enter", "open it"],
  ["g n", "go to Now; g r Runs, g f Flows, g h Hosts, g t Tokens"],
  ["[ ]", "on the timeline: show the run one event earlier or later"],
  ["v", "graph or timeline"],
  ["← →", "in the graph: from node to node, as do ↑ ↓"],
  ["+ −", "in the graph: larger or smaller; 0 shows all of it"],
  ["f", "follow the output, or stop following"],
  ["w", "wrap long lines"],
  ["n N", "next and previous match"],
  ["x", "output in full window, and back"],
  ["Esc", "close the topmost sheet"],
  ["d", "theme: dark, light, or as in the system"],
  ["?", "these keys"],
];

/**
 * The help: a list of keyboard shortcuts.
 * @param {{asked: number}} props  how often it was asked for: each time it opens again
 */
export function Keys({ asked }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, [asked]);
  return html`<dialog ref=${dialog} aria-labelledby="keys-title">
    <h2 id="keys-title">Keys</h2>
    <dl class="keys">${KEYS.map(
      ([key, does]) =>
        html`<div key=${key}><dt>${key.split(" ").map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${does}</dd></div>`,
    )}</dl>
    <form method="dialog"><button autofocus>Close</button></form>
  </dialog>`;
}
