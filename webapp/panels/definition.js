// The definition of a flow: its limits, its nodes with their commands, and its text as it is written.
import { seg } from "../api.js";
import { html } from "../html.js";
import { here, route } from "../route.js";
import { plain, typeName } from "../text.js";
import { duration } from "../time.js";
import { useLoad } from "../use.js";
import { textOf } from "../values.js";
import { Loading } from "./notice.js";
import { Yaml } from "./yaml.js";

/** @typedef {import("../types/api").Definition} Written */

/**
 * @param {{flow: import("../types/api").FlowDetail, run?: import("../types/api").Detail | null}} props
 *   run: the last one that has read the flow-file
 */
export function Definition({ flow, run = null }) {
  const isFile = Boolean(flow.flow_file);
  const { data, error } = useLoad(
    !isFile ? `flows/${seg(`${flow.id}@${flow.ver}`)}/definition` : run ? `runs/${seg(run.id)}/definition` : "",
  );
  // The commands would move the columns of a table that was shown before they came.
  if (!data && !error && (run || !isFile)) return html`<${Loading} what="the definition" />`;
  const known = /** @type {Written | null} */ (data);
  const text = known?.written ?? null;
  const isText = text !== null && route.value.query.get("definition") === "yaml";
  const nodes = (run ?? flow).graph.nodes.filter((node) => node.class !== "trigger");
  const works = new Map(known?.works.map(({ ref, work }) => [ref, workText(work)]));
  return html`<section class="list"><h2>Definition</h2>
    <div class="card values"><dl>${factsOf(flow).map(
      ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${plain(value)}</dd></div>`,
    )}</dl></div>
    ${
      text &&
      html`<nav class="attempts definition-views" aria-label="The definition as">
        <a data-replace href=${here({ definition: "" })} aria-current=${isText ? undefined : "true"}>Nodes</a>
        <a data-replace href=${here({ definition: "yaml" })} aria-current=${isText ? "true" : undefined}>YAML</a></nav>`
    }
    ${isText ? html`<${Yaml} ...${text} />` : nodes.length > 0 && html`<${Nodes} nodes=${nodes} works=${works} />`}
    ${
      known &&
      !text &&
      isFile &&
      html`<p class="faint">The text of the flow-file is not shown: it is not here any more as the run read it.</p>`
    }
  </section>`;
}

/** @param {import("../types/api").FlowDetail} flow @returns {[string, unknown][]} */
const factsOf = (flow) =>
  /** @type {[string, unknown][]} */ ([
    ["flow-file", flow.flow_file],
    ["host tags", flow.host_tags?.join(", ")],
    ["resource tags", flow.resource_tags?.join(", ")],
    ["workspace", flow.reuse_space ? "used again by the next run" : "new for each run"],
    ["timeout", flow.timeout_s ? duration(flow.timeout_s * 1000) : ""],
    ["environment", flow.env?.map((line) => line.split("=")[0]).join(", ")],
    ["if its host is lost", flow.on_host_lost === "restart" ? "the run starts again elsewhere" : "the run ends bad"],
    ["max runs", flow.max_runs && limitText(flow.max_runs)],
    ["a failure that no node handles", flow.unheard_bad === "hold" ? "other nodes go on" : "ends the run"],
  ]).filter(([, value]) => value);

/** @param {{nodes: import("../types/api").GraphNode[], works: Map<string, string>}} props  works: by reference */
function Nodes({ nodes, works }) {
  return html`<div class="events definition" tabindex="0" role="group" aria-label="Nodes of the flow"><table>
    <thead><tr><th scope="col">node</th><th scope="col">type</th><th scope="col">does</th>
      <th scope="col">listens to</th><th scope="col">waits for</th><th scope="col">retries</th>
      <th scope="col">timeout</th></tr></thead>
    <tbody>${nodes.map(
      (node) => html`<tr key=${node.id}><td>
          <b>${plain(node.name || node.id)}</b> <span class="id">${plain(node.ref)}</span></td>
        <td>${typeName(node.type)}</td>
        <td data-name="does">${
          works.get(node.ref) && html`<code class="definition-work">${plain(works.get(node.ref))}</code>`
        }</td>
        <td class="mono" data-name="listens to">${plain(node.listen?.join(" "))}</td>
        <td class="mono" data-name="waits for">${plain(node.wait?.join(" "))}</td>
        <td data-name="retries">${timesText(node)}</td>
        <td data-name="timeout">${node.timeout_s ? duration(node.timeout_s * 1000) : ""}</td></tr>`,
    )}</tbody>
  </table></div>`;
}

/** How often a node runs again. @param {import("../types/api").GraphNode} node */
const timesText = ({ retry_max: retries, loop_max: rounds, repeat }) =>
  [
    retries || "",
    rounds ? `${rounds} rounds` : "",
    repeat ? `until ${plain(repeat.until)}, every ${duration(1000 * repeat.every_s)}, at most ${repeat.max}` : "",
  ]
    .filter(Boolean)
    .join(", ");

/** What a node does, as far as one text shows it. @param {Record<string, any>} work */
function workText({ kind, shell, argv, host, method, url, place, text, git, form, period_s: period }) {
  const command = shell ? shell.trim() : argv?.map(quoted).join(" ");
  if (kind === "Exec") return command;
  if (kind === "Ssh") return `${host}: ${command}`;
  if (kind === "Fetch") return url;
  if (kind === "Http") return `${method} ${url}`;
  if (kind === "Notify") return `${place}: ${text}`;
  if (git) return [git.url, git.hash || git.ref || git.branch].filter(Boolean).join(" ");
  if (kind === "Wait") return `waits ${duration(1000 * period)}`;
  return form?.title ?? "";
}

/** An argument; with quotes where its end would not be seen. @param {string} text */
const quoted = (text) => (/^[^\s"']+$/.test(text) ? text : textOf([text]).slice(1, -1).trim());

/** @param {NonNullable<import("../types/api").FlowDetail["max_runs"]>} limit */
const limitText = ({ limit, per, when_full }) => `${limit}${per && ` per ${per}`}, when full: ${when_full}`;
