// Where nothing has run yet: the way to a first run, or to a first flow.
import { html } from "../html.js";
import { ROOT, flowHref } from "../route.js";
import { flows } from "../state.js";
import { plain } from "../text.js";
import { Empty } from "./notice.js";

/** The documentation of this version, which the host serves as text. */
const DOCS = "/app/docs";

export function First() {
  const all = (flows.state.value.data?.flows ?? []).filter((flow) => flow.triggers.length);
  const flow = all.find(({ id }) => id === "hello") ?? all[0];
  const flyte = flows.state.value.data?.flyte;
  if (!flow && flyte && flyte.flows.length + flyte.packs > 0) return html`<${NoEvent} />`;
  if (!flow) return html`<${NoFlows} title="Nothing has run yet" />`;
  return html`<${Empty} title="Nothing has run yet">
    <p class="faint">Start a first run here, or on a command line:${" "}
      <code>floe trigger ${plain(flow.id)} --wait</code></p>
    <a class="button is-main" href=${flowHref(flow.id)}>Start ${plain(flow.name || flow.id)}</a>
    <${Read} /></${Empty}>`;
}

/** Where packs or flows of flyte are there, and no event has opened a run. */
const NoEvent = () =>
  html`<${Empty} title="Nothing has run yet">
    <p class="faint">A flow of flyte runs when a pack sends an event that it waits for.</p>
    <a class="button is-main" href=${`${ROOT}/packs`}>Look at the packs</a></${Empty}>`;

/** First steps, shown in place of flows where there are none. @param {{title: string}} props */
export function NoFlows({ title }) {
  return html`<${Empty} title=${title}>
    <p class="faint">This host has no flows. Write one into its config, and read the config again on the Hosts page.</p>
    <${Read} /></${Empty}>`;
}

const Read = () =>
  html`<p>To read: <a href=${`${DOCS}/tutorial.md`} target="_blank">CI for your repository in ten minutes</a>,${" "}
    <a href=${`${DOCS}/flows.md`} target="_blank">all about flows</a></p>`;
