"""The look of replies in a terminal: tables, coloured states, readable times.

Other users' texts never reach the terminal unchanged: `clean` escapes every control character, and
only colours that floe added itself remain. Without a terminal, or with NO_COLOR, those are left out
too.
"""

import json
import re
import shutil
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click

from floe.model.ids import Json, Shape
from floe.model.secret import is_secret_name, masked, without_password
from floe.model.title import one_line
from floe.model.visible import visible, visible_json

ANSWERS_MAX: Final = 6
"""Parts of the line about an approval."""

VALUE_MAX: Final = 200
"""Characters of a value that are shown."""

NARROW: Final = 4
"""Width that a table column keeps on the narrowest terminal."""

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_OBEYED: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # movement, clearing and colours
    r"|\x1b[\]PX^_][^\n\x1b\x07]*(?:\x07|\x1b\\)"  # titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff]"
)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")


class Painted(str):
    """A formatted text with colours added by floe."""

    __slots__ = ()


_COLOURS: Final[Mapping[str, str]] = {
    "good": "green",
    "bad": "red",
    "error": "red",
    "stalled": "red",
    "rejected": "magenta",
    "cancelled": "bright_black",
    "running": "cyan",
    "active": "cyan",
    "ending": "cyan",
    "asking": "magenta",
    "retrying": "yellow",
    "pending": "yellow",
    "queued": "yellow",
    "stopped": "bright_black",
    "skipped": "bright_black",
    "never": "bright_black",
    "waiting": "bright_black",
}


def as_json(shape: object) -> None:
    """Format a reply as JSON for machines, and print it without terminal control characters."""
    click.echo(visible_json(json.dumps(masked(shape), ensure_ascii=False, indent=2)))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Format rows as a table and print it; on a narrow terminal the widest columns shrink."""
    cells = [[cell if isinstance(cell, Painted) else clean(cell) for cell in row] for row in rows]
    widths = [max(_width(c) for c in column) for column in zip(head, *cells, strict=True)]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns - 2 * (len(widths) - 1)
        while sum(widths) > room and max(widths[1:]) > NARROW:
            widths[max(range(1, len(widths)), key=lambda i: (widths[i], i))] -= 1
    click.echo(click.style(_line(head, widths), bold=True))
    for row in cells:
        click.echo(_line(row, widths))


def clean(text: str) -> str:
    """Format a text as one line, without passwords of URLs, control characters escaped."""
    return visible(without_password(text).replace("\n", " ").replace("\t", " "))


def printable(text: str) -> str:
    """Format the output of a command: its lines and colours, no other control characters."""
    return _OBEYED.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", text)


def state(word: str) -> Painted:
    """Format a state in its colour."""
    return Painted(click.style(word, fg=_COLOURS[word]) if word in _COLOURS else clean(word))


def sentence(text: str) -> str:
    """Format a host's sentence: cleaned, with instants in local time."""
    return _INSTANT.sub(lambda found: clock(found[0]), clean(text))


def clock(text: str, now: datetime | None = None) -> str:
    """Format an instant in local time with its distance: `14:03:07 (12 s ago)`."""
    at, now = datetime.fromisoformat(text), now or datetime.now(UTC)
    local = at.astimezone()
    day = "" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d} "
    seconds = (now - at).total_seconds()
    distance = f"in {span(-seconds)}" if seconds < 0 else f"{span(seconds)} ago"
    return f"{day}{local:%H:%M:%S} ({distance})"


def run_state(run: Shape) -> Painted:
    """Format the state of a run as one word: its result, else its phase."""
    if run["state"] == "archive":
        return state(run.get("result") or ("good" if run["good"] else "bad"))
    return state("ending" if run["phase"] == "ending" else run["state"])


def label_of(run: Shape) -> str:
    """Format the state of a run in its dialect, and when it goes on by itself; empty for floe's."""
    due, label = run.get("due"), clean(run.get("label", ""))
    return ", ".join(filter(None, (label, f"goes on {ahead(due)}" if due else "")))


def instant(text: str | None) -> datetime | None:
    """The instant in a text of a reply; None for none."""
    return datetime.fromisoformat(text) if text else None


def age(text: str | None, now: datetime | None = None) -> str:
    """Format how long ago an instant was: `12 s ago`, or empty for none."""
    at = instant(text)
    if at is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    return "now" if seconds < 1 else f"{span(seconds)} ago"


def ahead(text: str, now: datetime | None = None) -> str:
    """Format how far ahead an instant is: `in 3 m 05 s`, or `now`."""
    at = instant(text)
    seconds = (at - (now or datetime.now(UTC))).total_seconds() if at else 0
    return f"in {span(seconds)}" if seconds >= 1 else "now"


def as_of(host: str, seen: str | None, now: datetime | None = None) -> str:
    """Format the age of the shown data about another host."""
    return f"{host} as of {age(seen, now)}" if seen else f"{host} has sent nothing yet"


def took(start: str | None, end: str | None) -> str:
    """Format the duration of something until its end or now; empty if it has not begun."""
    begun = instant(start)
    if begun is None:
        return ""
    return span(((instant(end) or datetime.now(UTC)) - begun).total_seconds())


def node_took(node: Shape) -> str:
    """Format the duration of a visit of a node: all its attempts, with the waits between them."""
    attempts = node.get("attempts") or [{}]
    first = next((one["started_at"] for one in attempts if one.get("started_at")), None)
    first = first or node.get("begun_at")
    if attempts[0].get("attempt", 1) > 1:  # the first attempts are not listed
        first = node.get("entered_at")
    if node.get("type") == "timer":  # it waits, and starts nothing
        first = node.get("entered_at")
    return took(first or node.get("started_at") or node.get("asked_at"), node.get("ended_at"))


def node_state(node: Shape) -> Painted:
    """Format the state of a node or item, with its visit and its attempt if it has several."""
    visit, attempt = node.get("visit", 1), node.get("attempt", 1)
    again = (f" visit {visit}" if visit > 1 else "") + (f" #{attempt}" if attempt > 1 else "")
    return Painted(state(node["state"]) + again)


def items_text(node: Shape) -> str:
    """Format how far the items of a node are: `8 items: 5 good, 2 bad, 1 not begun`."""
    count = len(node.get("items", ()))
    if not count:
        return ""
    states = Counter(one["state"] for one in node["item_states"])
    states["not begun"] = count - states.total()
    parts = [f"{number} {word}" for word, number in sorted(states.items()) if number]
    items = f"{count} item{'s' * (count > 1)}"
    return (
        f"{items}: {', '.join(parts)}"
        if len(parts) > 1
        else f"{items}, all {parts[0].partition(' ')[2]}"
    )


def span(seconds: float) -> str:
    """Format a duration: `< 1 ms`, `4 ms`, `1.2 s`, `12 s`, `3 m 05 s`, `2 h 10 m`, `4 d 3 h`."""
    if seconds < 0.001:
        return "< 1 ms"  # instants are whole milliseconds
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def size(count: int) -> str:
    """Format bytes: `0 B`, `12 kB`, `1.4 MB`."""
    if count < 1000:
        return f"{count} B"
    power = min(3, (len(str(count)) - 1) // 3)
    amount, unit = count / 1000**power, ("B", "kB", "MB", "GB")[power]
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def finding(shape: Shape) -> str:
    """Format a finding of a host: position, level, text and hint."""
    where = f"{shape['file']}:{shape['line']}:{shape['col']}" if shape["line"] else shape["file"]
    text = f"{clean(where)}: {shape['level']}: {clean(shape['what'])}"
    return text + (f"\n    try: {clean(shape['hint'])}" if shape.get("hint") else "")


def clock_of(text: str) -> str:
    """Format an instant in local time, to the millisecond."""
    return f"{datetime.fromisoformat(text).astimezone():%H:%M:%S.%f}"[:-3]


def reason(node: Shape) -> str:
    """Format why a node has its state, its due instant, or the exit status of its command."""
    if node.get("state") == "waiting" and node.get("due"):
        return f"until {clock(node['due'])}"
    if node.get("state") == "good" and node.get("by"):
        return approval(node)
    if node.get("state") == "skipped":
        return clean(f"since {node['why']}")
    if node.get("state") == "running":
        return ""  # its `why` is that of the attempt before
    why = node.get("why", "").partition("\n")[0]  # further lines are details
    return clean(why or (f"exit status {node['status']}" if node.get("status") else ""))


def again(node: Shape) -> str:
    """Format when the next attempt of a node or item is due: `again in 5 s`; empty for none."""
    is_due = node["state"] == "retrying" and node.get("due")
    return f"again {ahead(node['due'])}" if is_due else ""


def approval(node: Shape) -> str:
    """Format who approved the form of a node, when and with what: `approved by ada, 16:51`."""
    parts = [f"approved by {node['by']}"]
    if at := instant(node.get("ended_at")):
        parts.append(f"{at.astimezone():%H:%M}")
    for name, value in node.get("outputs", {}).items():
        if not is_secret_name(name) and value not in ("", None):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            parts.append(f"{name} {one_line(text, 40)}")
    return clean(", ".join(parts[:ANSWERS_MAX]))


def ran(count: int, skipped: int, never: int = 0) -> str:
    """Format how many nodes of a run ran: `4 of 6 ran`; empty if none was skipped.

    `4 of 6 ran`, or with nodes that were neither run nor skipped `4 ran, 2 skipped, 1 never ran`.
    """
    if not skipped:
        return ""
    if never > 0:
        return f"{count} ran, {skipped} skipped, {never} never ran"
    return f"{count} of {count + skipped} ran"


def ran_of(run: Shape) -> str:
    """Format how many nodes ran, from a reply; a host with an older floe does not count them."""
    count, skipped = run.get("ran", 0), run.get("skipped", 0)
    return ran(count, skipped, len(run.get("nodes", ())) - count - skipped)


def child_of(run: Shape) -> str:
    """Format what a run is a child of: `child of h1-12`; empty for a run that is no child."""
    parent = run.get("parent")
    return f"child of {parent['run']}" if parent else ""


def value_lines(values: Mapping[str, Json], label: str = "") -> list[str]:
    """Format values of a run, each on a line of its own: `output url = https://…`."""
    shown = {name: v if isinstance(v, str) else json.dumps(v) for name, v in values.items()}
    return [f"  {label}{name} = {clean(text)[:VALUE_MAX]}" for name, text in shown.items()]


def text_lines(text: str) -> list[str]:
    """Format a text of several lines, as clean lines of a terminal."""
    return [clean(line) for line in text.strip().split("\n")] if text.strip() else []


def answer_line(run: str, form: Shape) -> str:
    """Format the command that answers a form."""
    pairs = (f"{f['id']}=…" if f["required"] else f"[{f['id']}=…]" for f in form["fields"])
    return clean(" ".join(("floe give", run, form["node"], *pairs)))


def call_line(call: Shape) -> str:
    """Format where a call waits for its answer."""
    where = clean(call["url"]) or "an address that this host cannot make now"
    until = f", until {call['until']}" if call["until"] else ""
    item = "" if call["item"] is None else f" [{call['item']}]"
    return f"open call: {call['node']}{item} waits for an answer{until}\n  {where}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = (_cut(c, w) for c, w in zip(cells, widths, strict=True))
    padded = (c + " " * (w - _width(c)) for c, w in zip(fitted, widths, strict=True))
    return "  ".join(padded).rstrip()


def _cut(cell: str, width: int) -> str:
    if _width(cell) <= width:
        return cell
    cell = click.unstyle(cell)
    while _width(cell) >= width:
        cell = cell[:-1]
    return cell + "…"


def _width(text: str) -> int:
    plain = click.unstyle(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain)
