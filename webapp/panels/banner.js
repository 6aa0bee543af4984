// Notice that the connection is lost, with the time of the next attempt.
import { link, retry } from "../feed.js";
import { html } from "../html.js";
import { now } from "../time.js";

export function Banner() {
  if (link.value.state !== "lost") return html`<div class="banner-place" role="status"></div>`;
  const wait = Math.max(0, Math.ceil((link.value.retry_at - now.value) / 1000));
  return html`<div class="banner-place" role="status">
    <p class="banner">
      <strong>Not connected.</strong> <span>What you see may be old. ${
        wait ? `Trying again in ${wait} s.` : "Trying again…"
      }</span>
      <button class="quiet" onClick=${retry}>Try now</button>
    </p>
  </div>`;
}
