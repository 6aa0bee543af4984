// Whether this is a phone's width, where there is one column: the same number is in the sheets of css/.
import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 700px)");

export const narrow = signal(query.matches);
query.addEventListener("change", () => (narrow.value = query.matches));
