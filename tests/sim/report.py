"""What trials came to, in numbers and as a story."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from tests.sim.network import FATES
from tests.sim.points import MESSAGES, POINTS
from tests.sim.trial import Verdict

PAIRS: Final = [
    (message, fate)
    for message, fate in product(MESSAGES, FATES)
    if (message, fate) not in (("Ping", "stranger"), ("Acquire", "stranger"))
]
"""Of message and fate. What is said to whichever store a host has never meets a stranger."""


@dataclass(slots=True)
class Tally:
    """Sums over trials."""

    trials: int = 0
    runs: int = 0
    cpu_s: float = 0.0
    cpu_max_s: float = 0.0
    broken: dict[int, str] = field(default_factory=dict)
    """Seeds and what they broke."""
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def count(self, verdict: Verdict) -> None:
        """Add one trial."""
        self.trials += 1
        self.runs += verdict.runs
        self.cpu_s += verdict.cpu_s
        self.cpu_max_s = max(self.cpu_max_s, verdict.cpu_s)
        self.coverage += verdict.coverage
        self.crashes += verdict.crashes
        self.faults += verdict.faults
        if verdict.broken:
            self.broken[verdict.seed] = verdict.broken

    def add(self, other: "Tally") -> None:
        """Add another process's sums."""
        self.trials += other.trials
        self.runs += other.runs
        self.cpu_s += other.cpu_s
        self.cpu_max_s = max(self.cpu_max_s, other.cpu_max_s)
        self.coverage += other.coverage
        self.crashes += other.crashes
        self.faults += other.faults
        self.broken |= other.broken

    def line(self) -> str:
        """How far it is."""
        each = 1000 * self.cpu_s / max(1, self.trials)
        return (
            f"{self.trials} trials, {self.runs} runs, {self.faults.total()} faults, "
            f"{each:.1f} ms CPU a trial, {len(self.broken)} broken"
        )

    def table(self) -> str:
        """Messages by fates, crash points, faults, and what was never tried."""
        width = max(len(name) for name in MESSAGES)
        lines = [" " * width + "".join(f"{fate:>10}" for fate in FATES)]
        lines += [
            f"{name:<{width}}" + "".join(f"{self.coverage[name, fate]:>10}" for fate in FATES)
            for name in MESSAGES
        ]
        tried = sum(1 for point in POINTS if self.crashes[point])
        lines += ["", f"crash points passed away at: {tried} of {len(POINTS)}"]
        lines += [f"faults: {', '.join(f'{n} {k}' for n, k in self.faults.most_common())}"]
        lines += ["", f"never tried: {', '.join(self.never()) or 'nothing'}"]
        return "\n".join(lines)

    def never(self) -> list[str]:
        """Pairs of message and fate, and crash points, that no trial came to."""
        pairs = [f"{m} {f}" for m, f in PAIRS if not self.coverage[m, f]]
        return pairs + [f"crash {point}" for point in POINTS if not self.crashes[point]]


def story_of(verdict: Verdict) -> str:
    """Who did what when."""
    return "\n".join(map(str, verdict.story))
