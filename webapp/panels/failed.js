// How many nodes have failed of a run that goes on: its state alone would say that all is well.
import { html } from "../html.js";

/** The nodes that failed and keep their outcome. @param {import("../types/api").Detail} run */
export const failedOf = (run) =>
  run.state === "archive"
    ? run.nodes.filter((node) => run.failed.includes(node.id))
    : run.nodes.filter((node) => node.good === false && !node.by);

/** @param {{count: number}} props */
export const Failed = ({ count }) => (count ? html`<span class="chip is-bad is-failed">${count} failed</span>` : null);
