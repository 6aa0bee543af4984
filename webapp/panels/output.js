// The output of a node: follows its end until the reader scrolls away; search, wrap, links, raw.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { BASE } from "../api.js";
import { into } from "../focus.js";
import { classes, html } from "../html.js";
import { Output } from "../output.js";
import { go, here, route } from "../route.js";
import { kept } from "../settings.js";
import { plain, size } from "../text.js";
import { isStill } from "../time.js";
import { Find } from "./find.js";
import { Lines } from "./lines.js";
import { Mark } from "./mark.js";
import { Empty, Failure, Loading } from "./notice.js";
import { Visits, visitOf } from "./visits.js";

const wrap = kept("wrap", "yes");

/**
 * @param {{run: string, node: import("../types/api").RunNode, visit: number, attempt: number, item?: number,
 *   past: boolean, old: boolean}} props  item: of a node with items; past: an earlier moment of the run is shown;
 *   old: the run is shown as it was last known
 */
export function OutputPanel({ run, node, visit, attempt, item, past, old }) {
  const output = useMemo(() => new Output(run, node.id, visit, attempt, item), [run, node.id, visit, attempt, item]);
  output.isVisitNamed = node.visit !== undefined;
  const { query } = route.value;
  const target = targetOf(query.get("line"));
  const [following, setFollowing] = useState(!target);
  const [needle, setNeedle] = useState("");
  useEffect(() => {
    void output.open();
    return () => output.close();
  }, [output]);
  const { count, bytes, live, opened, error } = output.shown.value;
  /** @param {boolean} yes */
  const follow = (yes) => {
    setFollowing(yes);
    // The reader scrolls: keep this node, even if a different one would now be chosen.
    if (!yes && live && !query.get("node")) go(here({ node: node.id, tab: "output" }), { replace: true });
  };
  const which = `${item === undefined ? "" : `i${item}-`}${visit > 1 ? `${visit}-` : ""}`;
  const isSheet = query.get("sheet") === "1";
  const sheet = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (isSheet && sheet.current) into(sheet.current);
  }, [isSheet, opened]);
  const failure = error && html`<${Failure} error=${error} again=${() => output.open()} />`;
  if (failure && !opened) return failure;
  if (!opened) return html`<${Loading} what="output" />`;
  return html`${failure}<div class=${classes("output", isSheet && "is-sheet")} role=${isSheet ? "dialog" : undefined}
    aria-modal=${isSheet ? "true" : undefined}
    aria-label=${isSheet ? `Output of ${plain(node.name || node.id)}` : undefined} ref=${sheet}>
    <div class="output-bar">
      <${Visits} node=${node} visit=${visit} />
      <${Attempts} node=${node} visit=${visit} attempt=${attempt} />
      <span class="faint output-size">${
        live && !error && !old && !isStill.value && html`<span class="live-dot" aria-hidden="true"></span>live · `
      }${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"} · ${size(bytes)}${
        past && ", all of it and not only up to this moment"
      }</span>
      <${Find} output=${output} needle=${needle} setNeedle=${setNeedle} line=${target?.from ?? 0} />
      <span class="spread"></span>
      ${
        live &&
        html`<button class="quiet" data-key="f" aria-pressed=${String(following)}
          onClick=${() => follow(!following)}>${following ? "Following" : "Follow"}</button>`
      }
      <button class="quiet" data-key="w" aria-pressed=${String(wrap.value === "yes")} onClick=${() =>
        (wrap.value = wrap.value === "yes" ? "no" : "yes")}>Wrap</button>
      <a class="button quiet" href=${`${BASE}/${output.href}`} target="_blank" rel="noopener">Raw</a>
      <a class="button quiet" href=${`${BASE}/${output.href}&limit=${Number.MAX_SAFE_INTEGER}`}
        download=${`${run}-${node.id}-${which}${attempt}.log`}>Download</a>
      <a class="button quiet" data-key=${isSheet ? "x Escape" : "x"} data-replace
        href=${here({ sheet: isSheet ? "" : "1" })} aria-label=${isSheet ? "Close the sheet" : "Fill the window"}>
          ${isSheet ? "Close" : "⤢"}</a>
    </div>
    ${
      count === 0
        ? html`<${Empty} title=${live ? "Nothing printed yet" : "It printed nothing"} />`
        : html`<${Lines} output=${output} following=${following} follow=${follow} target=${target}
          needle=${needle.toLowerCase()} wrap=${wrap.value === "yes"} />`
    }
  </div>`;
}

/** `12` or `12-20`. @param {string | null} text */
function targetOf(text) {
  const [from, to] = (text ?? "").split("-").map((part) => Number.parseInt(part, 10));
  return from > 0 ? { from, to: to >= from ? to : from } : null;
}

/** @param {import("../types/api").RunNode} node @param {number} visit @param {number} attempt */
function attemptState(node, visit, attempt) {
  const at = visitOf(node, visit);
  return at.attempts?.find((one) => one.attempt === attempt)?.result ?? at.state;
}

const [LISTED, NEAR] = [30, 5];

/** The attempts with a link: the first, those around the chosen one, and the last.
 * @param {number} latest @param {number} chosen */
function listed(latest, chosen) {
  const all = Array.from({ length: latest }, (_, at) => at + 1);
  if (latest <= LISTED) return all;
  return all.filter((one) => one === 1 || Math.abs(one - chosen) <= NEAR || one > latest - LISTED / 2);
}

/** @param {{node: import("../types/api").RunNode, visit: number, attempt: number}} props */
function Attempts({ node, visit, attempt }) {
  const latest = visitOf(node, visit).attempt ?? 1;
  const named = (node.visit ?? 1) > 1 ? String(visit) : "";
  if (latest < 2) return null;
  return html`<span class="attempts" role="group" aria-label="Attempts">${listed(latest, attempt).map(
    (one) => html`
      <a key=${one} data-replace href=${here({ visit: named, attempt: String(one), line: "" })}
        aria-current=${one === attempt ? "true" : undefined}>#${one} <${Mark}
          state=${attemptState(node, visit, one)} /></a>`,
  )}
  </span>`;
}
