// Why a run waits; or why it ended, and which nodes never ran.
import { seg } from "../api.js";
import { html } from "../html.js";
import { plain } from "../text.js";
import { useLoad } from "../use.js";
import { Chunks } from "./chunks.js";
import { Failure, Loading } from "./notice.js";
import { Notices } from "./notices.js";
import { Said } from "./said.js";

const ROW_PX = 29;

/** @param {{run: import("../types/api").Detail, past?: boolean}} props */
export function WhyPanel({ run, past }) {
  const { data, error, again } = useLoad(`runs/${seg(run.id)}/why`, run.seq);
  const why = /** @type {import("../types/api").Why | null} */ (data);
  if (error && !why) return html`<${Failure} error=${error} again=${again} />`;
  if (!why) return html`<${Loading} what="the reasons" />`;
  return html`<div class="why">
    ${past && html`<p class="faint">As it is now, not at the moment that is shown.</p>`}
    <p class="why-text"><${Said} text=${why.text} /></p>
    <${Reasons} title="Hosts" rows=${why.hosts?.map(({ host, reasons }) => [host, reasons])} />
    <${Reasons} title="What each node waits for" rows=${why.waiting?.map((one) => [named(run, one.node), one.for])} />
    <${Reasons} title="Never ran" rows=${why.never?.map(never)} />
    <${Reasons} title="Skipped" rows=${why.skipped?.map((one) => [one.node, [`since ${one.why}`]])} />
    <${Notices} run=${run} />
  </div>`;
}

/** A node of a run of a different language by the name that it has there: `loop[2]` for `task.s0[2]`.
 * @param {import("../types/api").Detail} run
 * @param {string} text
 * @returns {string} */
function named(run, text) {
  const [ref, ...item] = text.split(/(?=\[)/);
  const name = run.passes === null ? "" : run.nodes.find((node) => node.ref === ref)?.name;
  return name ? [name, ...item].join("") : text;
}

/** A host with an older floe gives only the tags.
 * @param {{node: string, tags: string[], why?: string}} never
 * @returns {[string, string[]]} */
const never = ({ node, tags, why }) => [node, [why || `waited for ${tags.join("; ")}`]];

/** @param {{title: string, rows?: [string, string[]][]}} props */
function Reasons({ title, rows }) {
  if (!rows?.length) return null;
  return html`<section class="values"><h3>${title}</h3>
    <${Chunks} list=${rows} guess=${ROW_PX} draw=${
      /** @type {import("./chunks.js").Draw<[string, string[]]>} */ (part, height, ref) =>
        html`<dl ref=${ref} style=${{ height }}>${part?.map(
          ([name, reasons]) => html`
            <div key=${name}><dt>${plain(name)}</dt><dd><${Said} text=${
              reasons.length ? reasons.join("; ") : "could take it"
            } /></dd></div>`,
        )}</dl>`
    } /></section>`;
}
