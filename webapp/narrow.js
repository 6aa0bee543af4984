// Whether the page has the width of a phone, with one column. The style sheets in css/ use the same number.
import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 700px)");

export const narrow = signal(query.matches);
query.addEventListener("change", () => (narrow.value = query.matches));
