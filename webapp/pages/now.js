// The present state: open forms first, then active, pending and ended runs.
import { useRef } from "preact/hooks";
import { later, useLater } from "../code.js";
import { byNeed, hostState, troublesOf } from "../fleet.js";
import { flowName, isLastKnown, lastState, latest } from "../flows.js";
import { html } from "../html.js";
import { narrow } from "../settings.js";
import { Behind } from "../panels/behind.js";
import { FailingList } from "../panels/failing.js";
import { First } from "../panels/first.js";
import { Mark } from "../panels/mark.js";
import { Empty, Failure, Loading } from "../panels/notice.js";
import { Pending } from "../panels/pending.js";
import { failedOf, Row } from "../panels/row.js";
import { belowOf, Family, Rows } from "../panels/rows.js";
import { ROOT, flowHref } from "../route.js";
import { asOf, byNewest, flows, hosts, loadRuns, runs, runsLoaded } from "../state.js";
import { plain, plural } from "../text.js";
import { day } from "../time.js";
import { useEvery, useRun, useTitle } from "../use.js";
import { forms, pends } from "../waits.js";

// Active runs beyond this number are listed without their nodes.
const DETAILED = 25;
const RECENT = 40;
// More forms are rows that open.
const OPEN_MAX = 2;
const HOSTS_SHOWN = 12;
const FLYTE_SHOWN = 12;

/** @typedef {import("../types/api").Summary} Summary */

const mini = later(() => import("../panels/mini.js").then(({ Mini }) => Mini));
const ask = later(() => import("../panels/ask.js").then(({ AskRow }) => AskRow), ["form", "ask"]);

export function Now() {
  const waiting = forms.state.value.data?.count ?? 0;
  useTitle(waiting ? `(${waiting}) Now` : "Now");
  const { data, error } = runsLoaded.value;
  const isShown = useRef(false);
  const Form = useLater(waiting ? ask : null);
  if (error && !data) return html`<${Failure} error=${error} again=${loadRuns} />`;
  // All of it at once: a list that came later would push down what is read already.
  const isHere = [forms, pends, flows, hosts].map(({ state }) => state.value).every((one) => one.data || one.error);
  isShown.current ||= data !== null && isHere && (waiting === 0 || Form);
  if (!isShown.current) return html`<${Loading} what="runs" />`;
  const all = [...runs.value.values()].sort(byNewest);
  const below = belowOf(all.filter((run) => run.state === "active"));
  const active = below.get("") ?? [];
  return html`<h1 class="unseen">Now</h1>
    <div class="now">
      <div class="now-main">
        <${Behind} asOf=${asOf.value} />
        <${Asked} Form=${Form} />
        ${narrow.value && html`<${FailingList} flows=${flows.state.value.data?.flows ?? []} />`}
        <section class="list"><h2>Running${active.length > 0 && html` <span class="count">${active.length}</span>`}</h2>
          ${
            active.length
              ? html`<ul class="rows">${active.map(
                  (run, at) => html`<${Family} key=${run.id} run=${run} below=${below}
                    draw=${at < DETAILED ? running : row} />`,
                )}</ul>`
              : all.length
                ? html`<${Empty} title="Nothing runs.">
                <p class="faint">Start something: choose a <a href=${`${ROOT}/flows`}>flow</a>.</p></${Empty}>`
                : html`<${First} />`
          }
        </section>
        <${Pending} list=${all.filter((run) => run.state === "pending")} />
        ${all.length > 0 && html`<${Recent} over=${all.filter((run) => run.state === "archive").slice(0, RECENT)} />`}
      </div>
      <aside class="now-side" aria-label="Flows and hosts">${
        !narrow.value && html`<${FailingList} flows=${flows.state.value.data?.flows ?? []} />`
      }<${FlowLinks} /><${HostDots} /></aside>
    </div>`;
}

/** All open forms, oldest first. @param {{Form: any}} props  Form: shows one */
function Asked({ Form }) {
  const { data, error } = forms.state.value;
  if (!data) return error ? html`<${Failure} error=${error} again=${forms.load} />` : null;
  if (!data.count || !Form) return null;
  return html`<section class="asked" aria-labelledby="asked-title"><h2 id="asked-title">Waiting for you${
    data.count > 1 && html` <span class="count">${data.count}</span>`
  }</h2>
    ${data.forms.map(
      ({ run, form, about, as_of: asOf }) => html`<${Form} key=${`${run.id} ${form.node} ${form.visit}`} run=${run}
        form=${form} about=${about} asOf=${asOf} flow=${flowName(run.flow)} open=${data.count <= OPEN_MAX} />`,
    )}
  </section>`;
}

/** @param {Summary} run @param {{depth: number, fold: any}} more */
const running = (run, more) => html`<${Running} key=${run.id} run=${run} ...${more} />`;

/** @param {Summary} run @param {{depth: number, fold: any}} more */
const row = (run, more) => html`<${Row} key=${run.id} run=${run} ...${more} />`;

/** A run with its nodes. @param {{run: Summary, depth: number, fold: any}} props */
function Running({ run, ...more }) {
  const { data } = useRun(run.id);
  const Mini = useLater(mini);
  if (!data || !Mini) return row(run, more);
  return html`<${Row} run=${run} failed=${failedOf(data).length} ...${more}><${Mini} run=${data} /></${Row}>`;
}

/** @param {{over: Summary[]}} props */
function Recent({ over }) {
  const days = Map.groupBy(over, (run) => day(run.ended_at));
  return html`<section class="list"><h2>Recent <a class="more" href=${`${ROOT}/runs`}>all runs</a></h2>
    ${over.length === 0 && html`<${Empty} title="No run has ended yet." />`}
    ${[...days].map(
      ([name, list]) => html`<div key=${name}><h3 class="day">${name}</h3><${Rows} list=${list} /></div>`,
    )}
  </section>`;
}

function FlowLinks() {
  const { data, error } = flows.state.value;
  if (!data) return error ? html`<${Failure} error=${error} again=${flows.load} />` : null;
  return html`<section class="list"><h2><a href=${`${ROOT}/flows`}>Flows</a></h2>
    ${data.flows.length + data.flyte.flows.length === 0 && html`<p class="faint">None yet</p>`}
    <ul class="flow-links">${data.flows
      .filter((flow) => latest(data.flows, flow) && (narrow.value || !flow.failing))
      .map(
        (flow) => html`<li key=${flow.id}>
          <a href=${flowHref(flow.id)}>
            <${Mark} state=${lastState(flow)} old=${isLastKnown(flow)} />
            ${" "}<span>${plain(flow.name || flow.id)}</span></a></li>`,
      )}${data.flyte.flows.slice(0, FLYTE_SHOWN).map(
      ({ id, name }) => html`<li key=${id}><a href=${flowHref(id)}>
          <${Mark} state=${lastState({ id })} /> <span>${plain(name)}</span></a></li>`,
    )}</ul>
    ${
      data.flyte.flows.length > FLYTE_SHOWN &&
      html`<p class="faint"><a href=${`${ROOT}/flows`}>and ${data.flyte.flows.length - FLYTE_SHOWN} more</a></p>`
    }
  </section>`;
}

function HostDots() {
  const { data } = hosts.state.value;
  // No event announces that a host went silent, so poll.
  useEvery(hosts.load, (data?.hosts.length ?? 0) > 1);
  if (!data) return null;
  return html`<section class="list"><h2><a href=${`${ROOT}/hosts`}>Hosts</a></h2>
    <ul class="host-dots">${byNeed(data.hosts)
      .slice(0, HOSTS_SHOWN)
      .map(
        (host) => html`<li key=${`${host.id} ${host.store}`}><${Mark} state=${hostState(host, data.hosts)} />
          <span><b>${plain(host.id)}</b> <span class="faint">${host.active} of ${plural(host.slots, "slot")}${
            host.pending ? `, ${host.pending} pending` : ""
          }</span>
          ${host.draining && html`<span class="faint"> · draining</span>`}
          ${troublesOf(host)
            .slice(0, 1)
            .map((one) => html`<span class="host-problem" key=${one}>${plain(one)}</span>`)}
          </span></li>`,
      )}</ul>
    ${
      data.hosts.length > HOSTS_SHOWN &&
      html`<p class="faint">
        <a href=${`${ROOT}/hosts`}>and ${data.hosts.length - HOSTS_SHOWN} more</a></p>`
    }
  </section>`;
}
