// Dark or light theme, from the system or as chosen.
import { effect } from "@preact/signals";
import { html } from "../html.js";
import { kept } from "../settings.js";

const ORDER = ["system", "dark", "light"];
/** @type {Record<string, string>} */
const SIGNS = { system: "◐", dark: "●", light: "○" };
const theme = kept("theme", "system");

effect(() => {
  const root = document.documentElement;
  if (theme.value === "dark" || theme.value === "light") root.dataset.theme = theme.value;
  else delete root.dataset.theme;
});

export function Theme() {
  const now = SIGNS[theme.value] ? theme.value : "system";
  return html`<button class="quiet" data-key="d" title="Theme: ${now} (d)" aria-label="Theme: ${now}" onClick=${() =>
    (theme.value = ORDER[(ORDER.indexOf(now) + 1) % ORDER.length])}>${SIGNS[now]}</button>`;
}
