// All flows of this host, and the findings of its config.
import { isLastKnown, lastRun, lastState, latest } from "../flows.js";
import { html } from "../html.js";
import { FailingSince } from "../panels/failing.js";
import { Findings } from "../panels/findings.js";
import { Mark } from "../panels/mark.js";
import { NoFlows } from "../panels/first.js";
import { Failure, Loading } from "../panels/notice.js";
import { flowHref } from "../route.js";
import { flows } from "../state.js";
import { plain, plural, typeName } from "../text.js";
import { brief, duration, full, now, soonText } from "../time.js";
import { useEvery, useLoad, useTitle } from "../use.js";

export function Flows() {
  useTitle("Flows");
  const { data, error } = flows.state.value;
  useEvery(flows.load, isOverdue(data?.flows));
  if (error && !data) return html`<${Failure} error=${error} again=${flows.load} />`;
  if (!data) return html`<${Loading} what="flows" />`;
  return html`<h1>Flows</h1>
    <${Findings} findings=${data.findings} />
    ${
      data.flows.length === 0
        ? data.flyte.flows.length === 0 && html`<${NoFlows} title="No flows yet" />`
        : html`<div class="row is-flow rows-head" aria-hidden="true"><span></span><span>Flow</span><span>Triggers</span>
            <span class="row-at">Last run</span></div>`
    }
    ${
      data.flows.length > 0 &&
      html`<ul class="rows">${data.flows.map(
        (flow) => html`<li class="row is-flow" key=${`${flow.id}@${flow.ver}`}>
          <${Mark} state=${lastState(flow)} old=${isLastKnown(flow)} />
          <a class="row-name" href=${flowHref(
            latest(data.flows, flow) ? flow.id : `${flow.id}@${flow.ver}`,
          )}><b>${plain(flow.name || flow.id)}</b> <span class="id">${plain(flow.id)}@${flow.ver}</span></a>
          <span class="row-why">${
            flow.failing && html`<${FailingSince} failing=${flow.failing} /> · `
          }${flow.triggers.map(
            (trigger, at) =>
              html`${at > 0 && " · "}<${TriggerText} key=${trigger.id} trigger=${trigger} /><${NextDue}
                due=${trigger.next_due} />`,
          )}</span>
          <span class="row-at">${lastAt(lastRun(flow))}</span>
        </li>`,
      )}</ul>`
    }
    ${data.flyte.flows.length > 0 && html`<${OfFlyte} />`}`;
}

const EVENTS_SHOWN = 3;

/** The flows that clients of flyte have posted. */
function OfFlyte() {
  const { data, error, again } = useLoad("flyte/flows", flows.version.value);
  const known = /** @type {import("../types/schemas").FlyteFlows | null} */ (data);
  if (error && !known) return html`<${Failure} error=${error} again=${again} />`;
  if (!known) return html`<${Loading} what="flows of flyte" />`;
  return html`<section class="list flows-of-flyte"><h2>Flows of flyte</h2>
    <ul class="rows" aria-label="Flows of flyte">${known.flows.map(
      (flow) => html`<li class="row is-flow" key=${flow.id}><${Mark} state=${lastState(flow)} />
        <a class="row-name" href=${flowHref(flow.id)}><b>${plain(flow.name)}</b></a>
        <span class="row-why">${plural(flow.count, "step")} · on ${flow.events
          .slice(0, EVENTS_SHOWN)
          .map(({ pack, event }) => plain(`${pack} ${event}`))
          .join(", ")}${flow.events.length > EVENTS_SHOWN && ` and ${flow.events.length - EVENTS_SHOWN} more`}${
          flow.description && ` · ${plain(flow.description)}`
        }</span>
        <span class="row-at">${lastAt(lastRun(flow))}</span></li>`,
    )}</ul></section>`;
}

/** When a trigger fires or polls next. @param {{due: string | null}} props */
function NextDue({ due }) {
  if (!due) return null;
  return html` <time class="row-next" dateTime=${due} title=${full(due)}>${dueText(due)}</time>`;
}

/** When a trigger on the page of flows is next due. @param {string} due */
export const dueText = (due) => (Date.parse(due) > now.value ? `next ${soonText(due)}` : "due now");

/**
 * Whether an instant has passed since the flows were loaded: no event announces a poll that found nothing.
 * @param {import("../types/api").Flow[] | undefined} list
 */
export const isOverdue = (list = []) =>
  list.some(({ triggers }) => triggers.some(({ next_due: due }) => due && Date.parse(due) <= now.value));

/** A short description of a trigger of a flow. @param {{trigger: import("../types/api").Trigger}} props */
export function TriggerText({ trigger }) {
  const when = trigger.cron || (trigger.period_s ? `every ${duration(1000 * trigger.period_s)}` : "");
  return html`<span>${plain(trigger.name || trigger.id)}</span> <span class="faint">${[
    typeName(trigger.type),
    when,
    trigger.cron && trigger.timezone,
  ]
    .filter(Boolean)
    .map(plain)
    .join(" ")}</span>`;
}

/** @param {import("../types/api").Summary | null} run */
const lastAt = (run) => (run ? brief(run.ended_at ?? run.started_at ?? run.pended_at) : "never ran");
