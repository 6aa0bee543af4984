// The leases: holder, since when, and waiting runs.
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain, plural } from "../text.js";
import { ago, when } from "../time.js";
import { useLoad } from "../use.js";
import { pends } from "../waits.js";
import { Behind } from "./behind.js";
import { Empty, Failure, Loading } from "./notice.js";

const WAITERS = 5;

export function Leases() {
  // A change of the queue also changes the holders.
  const { data, error, again } = useLoad("leases", pends.version.value);
  const loaded = /** @type {{leases: import("../types/api").Lease[], as_of?: import("../types/api").AsOf} | null} */ (
    data
  );
  if (error && !loaded) return html`<${Failure} error=${error} again=${again} />`;
  if (!loaded) return html`<${Loading} what="leases" />`;
  return html`<section class="list leases"><h2>Leases</h2><${Behind} asOf=${loaded.as_of} />
    ${
      loaded.leases.length === 0
        ? html`<${Empty} title="Nothing is held">
          <p class="faint">Runs of flows with resource tags, or with a workspace that is used again, hold them
          alone.</p></${Empty}>`
        : html`<div class="events definition" tabindex="0" role="group" aria-label="Leases"><table>
          <thead><tr><th scope="col">what</th><th scope="col">held by</th><th scope="col">since</th>
            <th scope="col">fence</th><th scope="col">waiting, the next first</th></tr></thead>
          <tbody>${loaded.leases.map(
            (lease) => html`<tr key=${`${lease.kind} ${lease.tag} ${lease.run}`}>
                <td><b>${plain(lease.tag)}</b> <span class="faint">${lease.kind}</span></td>
                <td data-name="held by"><a href=${runHref(lease.run)}>${plain(lease.flow)} ${plain(lease.run)}</a>
                  ${lease.host && html` on ${plain(lease.host)}`}</td>
                <td data-name="since"><time dateTime=${lease.since} title=${ago(lease.since)}>
                  ${when(lease.since)}</time></td>
                <td class="mono" data-name="fence">${plain(lease.fence)}</td>
                <td data-name="waiting">${
                  lease.waiting.length === 0
                    ? html`<span class="faint">no run</span>`
                    : html`${plural(lease.waiting.length, "run")}: <ol class="waiters">${lease.waiting
                        .slice(0, WAITERS)
                        .map((run) => html`<li key=${run}><a href=${runHref(run)}>${plain(run)}</a></li>`)}</ol>${
                        lease.waiting.length > WAITERS &&
                        html` <span
                          class="faint">and ${lease.waiting.length - WAITERS} more</span>`
                      }`
                }</td>
              </tr>`,
          )}</tbody></table></div>`
    }
  </section>`;
}
