// The list of keyboard shortcuts; `?` opens it.
import { useRef } from "preact/hooks";
import { html } from "../html.js";

const KEYS = [
  ["/", "search: in the output, else in the runs"],
  ["j k", "next and previous run or node in a list"],
  ["Enter", "open it"],
  ["g n", "go to Now; g r Runs, g f Flows, g h Hosts, g t Tokens"],
  ["[ ]", "show the run one event earlier or later"],
  ["v", "graph or timeline"],
  ["f", "follow the output, or stop following"],
  ["w", "wrap long lines"],
  ["n N", "next and previous match"],
  ["x", "output in full window, and back"],
  ["Esc", "close the topmost sheet"],
  ["d", "theme: dark, light, or as in the system"],
  ["?", "these keys"],
];

export function Help() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  return html`<button class="quiet" data-key="?" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)"
    onClick=${() => dialog.current?.showModal()}>?</button>
    <dialog ref=${dialog} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">${KEYS.map(
        ([key, does]) =>
          html`<div key=${key}><dt>${key.split(" ").map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${does}</dd></div>`,
      )}</dl>
      <form method="dialog"><button autofocus>Close</button></form>
    </dialog>`;
}
