// The hosts: what they are, what they carry, and their configs. Load is asked for while somebody looks.
import { useEffect } from "preact/hooks";
import { html } from "../html.js";
import { HostPanel } from "../panels/host.js";
import { Leases } from "../panels/leases.js";
import { Failure, Loading } from "../panels/notice.js";
import { hosts } from "../state.js";
import { useTitle } from "../use.js";

const LOOK_MS = 5000;

export function Hosts() {
  useTitle("Hosts");
  const { data, error } = hosts.state.value;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || void hosts.load(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  if (error && !data) return html`<${Failure} error=${error} again=${hosts.load} />`;
  if (!data) return html`<${Loading} what="hosts" />`;
  return html`<h1>Hosts</h1>
    ${error && html`<${Failure} error=${error} />`}
    <div class="hosts">${data.hosts.map((host) => html`<${HostPanel} key=${host.id} host=${host} />`)}</div>
    <${Leases} />`;
}
