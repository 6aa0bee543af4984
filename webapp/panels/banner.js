// Notice that the connection is lost. Until it is back nothing on the page counts on or moves.
import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { link, retry } from "../feed.js";
import { html } from "../html.js";
import { isStill, now, when } from "../time.js";

effect(() => {
  const { state, since } = link.value;
  isStill.value = state === "lost";
  now.value = state === "lost" ? since : Date.now();
  document.documentElement.toggleAttribute("data-still", state === "lost");
});

export function Banner() {
  const { state, since, retry_at: due } = link.value;
  return html`<div class="banner-place" role="status">${
    state === "lost" &&
    html`<p class="banner">
      <strong>Not connected.</strong>
      <span>This page shows the state of ${when(new Date(since).toISOString())}. <${Countdown}
        key=${due} due=${due} /></span>
      <button class="quiet" onClick=${retry}>Try now</button></p>`
  }</div>`;
}

/** The time until the page tries to connect again.
 * @param {{due: number}} props */
function Countdown({ due }) {
  const [clock, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const wait = Math.max(0, Math.ceil((due - clock) / 1000));
  return html`${wait ? `Trying again in ${wait} s.` : "Trying again…"}`;
}
