"""What trials came to, in numbers and as a story."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.sim.mishaps import FATES, MESSAGES, PAIRS, POINTS, Mishap, text_of
from tests.sim.trial import Verdict
from tests.sim.world import Line

RAREST: Final = 5
"""Mishaps of each kind that are named with how often they were met."""

SHORT: Final = 60
"""Lines of a short story."""

_RUN: Final = re.compile(r"\bh\d+-\d+\b")
_FLOW_OF_WORDS: Final = ("says to", "hears from", "stores ", "starts", "ends ", "prunes", "accepts")
"""How lines begin that tell of runs."""


@dataclass(slots=True)
class Tally:
    """Sums over trials."""

    trials: int = 0
    runs: int = 0
    cpu_s: float = 0.0
    cpu_max_s: float = 0.0
    broken: dict[int, str] = field(default_factory=dict)
    """Seeds and what they broke."""
    met: Counter[Mishap] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def count(self, verdict: Verdict) -> None:
        """Add one trial."""
        self.trials += 1
        self.runs += verdict.runs
        self.cpu_s += verdict.cpu_s
        self.cpu_max_s = max(self.cpu_max_s, verdict.cpu_s)
        self.met.update(verdict.met)
        self.faults.update(verdict.faults)
        if verdict.broken:
            self.broken[verdict.seed] = verdict.broken

    def add(self, other: "Tally") -> None:
        """Add another process's sums."""
        self.trials += other.trials
        self.runs += other.runs
        self.cpu_s += other.cpu_s
        self.cpu_max_s = max(self.cpu_max_s, other.cpu_max_s)
        self.met.update(other.met)
        self.faults.update(other.faults)
        self.broken |= other.broken

    def line(self) -> str:
        """How far it is."""
        each = 1000 * self.cpu_s / max(1, self.trials)
        return (
            f"{self.trials} trials, {self.runs} runs, {self.faults.total()} faults, "
            f"{each:.1f} ms CPU a trial, {len(self.broken)} broken, {len(self.never())} never met"
        )

    def table(self) -> str:
        """Messages by fates, points by how often a hub died there, and what was never met."""
        width = max(len(name) for name in MESSAGES)
        lines = [" " * width + "".join(f"{fate:>10}" for fate in FATES)]
        lines += [
            f"{name:<{width}}" + "".join(self._cell((fate, name)) for fate in FATES)
            for name in MESSAGES
        ]
        lines += [
            "",
            f"messages and fates: {self._known(PAIRS)}",
            f"points at which hubs died: {self._known(POINTS)}",
            f"faults: {', '.join(f'{n} {k}' for n, k in self.faults.most_common())}",
            f"never met: {', '.join(map(text_of, self.never())) or 'none'}",
        ]
        return "\n".join(lines)

    def never(self) -> list[Mishap]:
        """Pairs of message and fate, and points to die at, that no trial came to."""
        return [mishap for mishap in (*PAIRS, *POINTS) if not self.met[mishap]]

    def _cell(self, pair: Mishap) -> str:
        return f"{self.met[pair] if pair in PAIRS else '-':>10}"

    def _known(self, mishaps: Sequence[Mishap]) -> str:
        met = [mishap for mishap in mishaps if self.met[mishap]]
        rarest = sorted(met, key=lambda mishap: self.met[mishap])[:RAREST]
        named = ", ".join(f"{text_of(m)} {self.met[m]}" for m in rarest)
        return f"{len(met)} of {len(mishaps)}; the rarest: {named or 'none'}"


def story_of(verdict: Verdict) -> str:
    """Who did what when."""
    return "\n".join(map(str, verdict.story))


def short_story_of(verdict: Verdict) -> str:
    """The last that befell hosts, and the runs that the verdict names."""
    runs = set(_RUN.findall(verdict.broken))
    lines = [str(line) for line in verdict.story if _is_of(line, runs)]
    left_out = ["…"] if len(lines) > SHORT else []
    return "\n".join(left_out + lines[-SHORT:])


def _is_of(line: Line, runs: set[str]) -> bool:
    if line.what.startswith(_FLOW_OF_WORDS) and not line.more.startswith("life"):
        return not runs.isdisjoint(_RUN.findall(line.more))
    return True
