// The definition of a flow, node by node: its listen and wait tags, and its limits.
import { html } from "../html.js";
import { plain } from "../text.js";
import { duration } from "../time.js";

/** @param {{flow: import("../types/api").FlowDetail}} props */
export function Definition({ flow }) {
  const nodes = flow.graph.nodes.filter((node) => node.class !== "trigger");
  const facts = [
    ["flow-file", flow.flow_file],
    ["host tags", flow.host_tags?.join(", ")],
    ["resource tags", flow.resource_tags?.join(", ")],
    ["workspace", flow.reuse_space ? "used again by the next run" : "new for each run"],
    ["timeout", flow.timeout_s ? duration(flow.timeout_s * 1000) : ""],
    ["environment", flow.env?.map((line) => line.split("=")[0]).join(", ")],
    ["host lost", flow.on_host_lost],
    ["max runs", flow.max_runs && limitText(flow.max_runs)],
    ["unheard bad event", flow.unheard_bad],
  ].filter(([, value]) => value);
  return html`<section class="list"><h2>Definition</h2>
    <div class="card values"><dl>${facts.map(
      ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${plain(value)}</dd></div>`,
    )}</dl></div>
    ${
      nodes.length > 0 &&
      html`<div class="events definition" tabindex="0" role="group" aria-label="Nodes of the flow"><table>
          <thead><tr><th scope="col">node</th><th scope="col">type</th><th scope="col">listens to</th>
            <th scope="col">waits for</th><th scope="col">retries</th><th scope="col">timeout</th></tr></thead>
          <tbody>${nodes.map(
            (node) => html`<tr key=${node.id}><td>
                <b>${plain(node.name || node.id)}</b> <span class="id">${plain(node.ref)}</span></td>
                <td>${plain(node.type)}</td>
              <td class="mono" data-name="listens to">${plain(node.listen?.join(" "))}</td>
              <td class="mono" data-name="waits for">${plain(node.wait?.join(" "))}</td>
              <td data-name="retries">${node.retry_max || ""}</td>
              <td data-name="timeout">${node.timeout_s ? duration(node.timeout_s * 1000) : ""}</td></tr>`,
          )}</tbody>
        </table></div>`
    }
  </section>`;
}

/** @param {NonNullable<import("../types/api").FlowDetail["max_runs"]>} limit */
const limitText = ({ limit, per, when_full }) => `${limit}${per && ` per ${per}`}, when full: ${when_full}`;
