"""The network between simulated hosts: loses, doubles, delays, reorders, refuses, parts.

What happened to each kind of message is counted, so that a table shows what was never tried.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from floe.model.message import Envelope
from floe.model.refs import HostId

FATES: Final = ("lost", "doubled", "late", "cut", "refused", "paused", "stranger")
"""late: overtaken by what was said after it. cut: by a partition. refused: nobody listens there.
paused: its receiver stands still. stranger: its receiver has another store by now."""

LATE_MS: Final = 4000


@dataclass(slots=True)
class Weather:
    """How a network is."""

    loss: float = 0.0
    double: float = 0.0
    late: float = 0.0
    delay_ms: int = 3


@dataclass(slots=True)
class Network:
    """Carries envelopes to hosts."""

    random: Random
    at: Callable[..., None]
    """Calls later: milliseconds, function, arguments."""
    weather: Weather = field(default_factory=Weather)
    cuts: set[tuple[HostId, HostId]] = field(default_factory=set)
    """From and to: one way each."""
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of (kind of message, fate)."""

    def carry(
        self, envelope: Envelope, to: HostId, deliver: Callable[[Envelope, HostId], None]
    ) -> None:
        """Deliver an envelope some time, perhaps twice, perhaps never."""
        weather, random = self.weather, self.random
        kind = type(envelope.message).__name__
        if (envelope.from_host, to) in self.cuts:
            self.coverage[kind, "cut"] += 1
            return
        if random.random() < weather.loss:
            self.coverage[kind, "lost"] += 1
            return
        copies = 1
        if random.random() < weather.double:
            self.coverage[kind, "doubled"] += 1
            copies = 2
        for _ in range(copies):
            delay = 1 + int(random.random() * weather.delay_ms)
            if random.random() < weather.late:
                self.coverage[kind, "late"] += 1
                delay += int(random.random() * LATE_MS)
            self.at(delay, deliver, envelope, to)
