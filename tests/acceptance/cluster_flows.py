"""Five flows that together use everything a cluster shares, and what their commands write down.

Each command appends a line to one file when it begins and when it ends, in one write. All hosts
of a test are on one machine, so the lines have one order and one clock: two that hold the same
thing at the same time can be seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from floe.model.ids import Key

TAGS: Final = {"h1": "linux,east", "h2": "linux,east,lab", "h3": "linux,west,lab"}
"""The hosts of a cluster and their tags; every pair of hosts has a tag in common."""

KEEPER: Final = "h1"

FLOWS: Final = """
  - name: tagged
    host-tags: [lab]
    resource-tags: [net]
    env: ['TOLD=$HERE/told', 'WORK=$HERE/work.sh']
    triggers: [{name: start, type: data}]
    tasks:
      - {name: one, type: exec, listen: trigger.good, opts: {cmd: bash $WORK 0.02}}
      - {name: done, type: end, listen: task.one.good}

  - name: exclusive
    host-tags: [east]
    resource-tags: [net, db]
    env: ['TOLD=$HERE/told', 'WORK=$HERE/work.sh']
    triggers: [{name: start, type: data}]
    tasks:
      - {name: one, type: exec, listen: trigger.good, opts: {cmd: bash $WORK 0.02}}
      - {name: two, type: exec, listen: task.one.good, opts: {cmd: bash $WORK 0.02}}
      - {name: done, type: end, listen: task.two.good}

  - name: phone
    resource-tags: ['host:phone']
    env: ['TOLD=$HERE/told', 'WORK=$HERE/work.sh']
    triggers: [{name: start, type: data}]
    tasks:
      - {name: one, type: exec, listen: trigger.good, opts: {cmd: bash $WORK 0.1}}
      - {name: done, type: end, listen: task.one.good}

  - name: kept
    reuse-space: true
    env: ['TOLD=$HERE/told', 'WORK=$HERE/work.sh']
    triggers: [{name: start, type: data}]
    tasks:
      - {name: one, type: exec, listen: trigger.good, opts: {cmd: bash $WORK 0.1}}
      - {name: done, type: end, listen: task.one.good}

  - name: plain
    env: ['TOLD=$HERE/told', 'WORK=$HERE/work.sh']
    triggers: [{name: start, type: data}]
    tasks:
      - {name: left, type: exec, listen: trigger.good, opts: {cmd: bash $WORK 0.3}}
      - name: right
        type: exec
        listen: trigger.good
        retry: {max: 1, backoff: 0.2}
        opts: {shell: 'bash $WORK 0.1; [ "${FLOE_ATTEMPT##*.}" = 2 ]'}
      - {name: both, class: merge, wait: [task.left.good, task.right.good]}
      - {name: last, type: exec, listen: merge.both.good, opts: {cmd: bash $WORK 0}}
      - {name: done, type: end, listen: task.last.good}
"""

WORK: Final = """
tell() { echo "$1 $EPOCHREALTIME $FLOE_ATTEMPT $FLOE_HOST ${FLOE_FENCE:--}" >> "$TOLD"; }
tell begin
trap 'tell end' EXIT
sleep "$1"
"""

ATTEMPTS: Final = {
    "tagged": {("one", 1)},
    "exclusive": {("one", 1), ("two", 1)},
    "phone": {("one", 1)},
    "kept": {("one", 1)},
    "plain": {("left", 1), ("right", 1), ("right", 2), ("last", 1)},
}
"""What of each flow runs if nothing is lost; all of it, once."""


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt as its command wrote it down; times in seconds since 1970."""

    key: Key
    host: str
    fences: Mapping[str, str]
    """Of `FLOE_FENCE`."""
    begun: float
    ended: float | None
    """None: it was killed, or still runs."""


def write(folder: Path) -> str:
    """Put what the commands need into a folder; the flows that use it."""
    (folder / "work.sh").write_text(WORK)
    (folder / "told").touch()
    return FLOWS.replace("$HERE", str(folder))


def told(folder: Path) -> tuple[list[Told], list[str]]:
    """What the commands wrote, in the order of their beginnings, and what is wrong with that."""
    begun: dict[str, Told] = {}
    wrong: list[str] = []
    for word, at, attempt, host, fences in _lines(folder):
        known = begun.get(attempt)
        if word == "begin" and known is None:
            begun[attempt] = Told(Key.parse(attempt), host, _fences(fences), float(at), None)
        elif word == "end" and known and known.ended is None and known.host == host:
            begun[attempt] = Told(known.key, host, known.fences, known.begun, float(at))
        else:
            wrong.append(f"{attempt} says {word} on {host} after {known}")
    return list(begun.values()), wrong


def _lines(folder: Path) -> Iterator[list[str]]:
    return (line.split(" ") for line in (folder / "told").read_text().splitlines())


def _fences(text: str) -> dict[str, str]:
    if text == "-":
        return {}
    pairs = (pair.partition("=") for pair in text.split(","))
    return {tag: fence for tag, _, fence in pairs}
