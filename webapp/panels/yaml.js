// A text with the numbers of its lines, and a button that copies it.
import { useRef, useState } from "preact/hooks";
import { html } from "../html.js";
import { plain } from "../text.js";

/** @param {{file: string, line: number, text: string}} props  line: the number of the first one */
export function Yaml({ file, line, text }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      // Without https a browser has no clipboard for pages: the text is chosen, and the reader copies it.
      if (box.current) getSelection()?.selectAllChildren(box.current);
      say("Chosen: copy it with Ctrl+C");
    }
  };
  return html`<figure class="yaml">
    <figcaption><code>${plain(file)}</code><span class="spread"></span>
      <span class="faint" role="status">${said}</span><button class="quiet" onClick=${copy}>Copy</button></figcaption>
    <pre tabindex="0" role="group" aria-label="The flow as it is written" ref=${box} style=${{
      counterReset: `line ${line - 1}`,
    }}>${text.split("\n").map((one, at) => html`<span class="yaml-line" key=${at}>${plain(one)}${"\n"}</span>`)}</pre>
  </figure>`;
}
