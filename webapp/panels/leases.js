// The leases: holder, since when, and waiting runs.
import { html } from "../html.js";
import { runHref } from "../route.js";
import { plain, plural } from "../text.js";
import { hover, now, when } from "../time.js";
import { useLoad } from "../use.js";
import { behindIt, pends } from "../waits.js";
import { Empty, Failure, Loading } from "./notice.js";

const WAITERS = 5;

/**
 * The last list that was complete, for the time while the keeper is away.
 * @type {{leases: import("../types/api").Lease[], at: string} | null}
 */
let kept = null;

export function Leases() {
  // A change of the queue also changes the holders.
  const { data, error, again } = useLoad("leases", pends.version.value);
  const loaded = /** @type {import("../types/api").Leases | null} */ (data);
  const away = loaded?.away ?? null;
  if (loaded && !away) kept = { leases: loaded.leases, at: new Date(now.peek()).toISOString() };
  if (error && !loaded) return html`<${Failure} error=${error} again=${again} />`;
  if (!loaded) return html`<${Loading} what="leases" />`;
  const leases = away && kept ? kept.leases : loaded.leases;
  return html`<section class="list leases"><h2>Leases</h2>
    ${
      away
        ? html`<p class="behind">Not known while <b>${plain(away)}</b> is away: it keeps the leases. ${
            kept
              ? `They are shown as of ${when(kept.at)}.`
              : leases.length
                ? "Those of this host's runs are shown."
                : "The runs of this host hold none."
          }</p>`
        : loaded.problem && html`<p class="behind">${plain(loaded.problem)}</p>`
    }
    ${
      leases.length === 0
        ? !away &&
          html`<${Empty} title="Nothing is held">
          <p class="faint">Runs of flows with resource tags, or with a workspace that is used again, hold them
          alone.</p></${Empty}>`
        : html`<div class="events definition" tabindex="0" role="group" aria-label="Leases"><table>
          <thead><tr><th scope="col">what</th><th scope="col">held by</th><th scope="col">since</th>
            <th scope="col">fence</th><th scope="col">waiting, the next first</th></tr></thead>
          <tbody>${leases.map(
            (lease) => html`<tr key=${`${lease.kind} ${lease.tag} ${lease.run}`}>
                <td><b>${plain(lease.tag)}</b> <span class="faint">${lease.kind}</span></td>
                <td data-name="held by"><a href=${runHref(lease.run)}>${plain(lease.flow)} ${plain(lease.run)}</a>
                  ${lease.host && html` on ${plain(lease.host)}`}</td>
                <td data-name="since"><time dateTime=${lease.since} title=${hover(lease.since)}>
                  ${when(lease.since)}</time></td>
                <td class="mono" data-name="fence">${plain(lease.fence)}</td>
                <td data-name="waiting">${
                  lease.waiting.length === 0
                    ? html`<span class="faint">no run</span>`
                    : html`${plural(lease.waiting.length, "run")}: <ol class="waiters">${lease.waiting
                        .slice(0, WAITERS)
                        .map(
                          (run) =>
                            html`<li key=${run}><a href=${runHref(run)}>${plain(run)}</a>${
                              behindIt(run) > 0 && html` <span class="faint">and ${behindIt(run)} behind it</span>`
                            }</li>`,
                        )}</ol>${
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
