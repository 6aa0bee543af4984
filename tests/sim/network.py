"""The network between simulated hosts: loses, doubles, delays, reorders, parts.

What happened to each kind of message is counted, so that a table shows what was never tried.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from floe.model.ids import HostId
from floe.model.peer_message import Envelope
from tests.sim.mishaps import Mishap

LATE_MS: Final = 4000


@dataclass(slots=True)
class Weather:
    """How a network is."""

    loss: float = 0.0
    double: float = 0.0
    late: float = 0.0
    delay_ms: int = 3


Way = tuple[HostId, HostId]
"""From and to."""


@dataclass(slots=True)
class Network:
    """Carries envelopes to hosts."""

    random: Random
    at: Callable[..., None]
    """Calls later: milliseconds, function, arguments."""
    met: Counter[Mishap]
    """What became of each kind of message is counted here."""
    weather: Weather = field(default_factory=Weather)
    cuts: set[Way] = field(default_factory=set)
    """One way each."""
    unpinged: set[Way] = field(default_factory=set)
    """Of what goes there, pings alone are cut."""

    def carry(
        self,
        envelope: Envelope,
        to: HostId,
        deliver: Callable[[Envelope, HostId], None],
        fate: str = "",
    ) -> None:
        """Deliver an envelope some time, perhaps twice, perhaps never; or as its fate has it."""
        weather, random = self.weather, self.random.random
        kind = type(envelope.message).__name__
        way = (envelope.from_host, to)
        if way in self.cuts or (kind == "Ping" and way in self.unpinged):
            self.met["cut", kind] += 1
            return
        if fate == "lost" if fate else random() < weather.loss:
            self.met["lost", kind] += 1
            return
        copies = 1
        if fate == "doubled" if fate else random() < weather.double:
            self.met["doubled", kind] += 1
            copies = 2
        for _ in range(copies):
            delay = 1 + int(random() * weather.delay_ms)
            if fate == "late" if fate else random() < weather.late:
                self.met["late", kind] += 1
                delay += int(random() * LATE_MS)
            self.at(delay, deliver, envelope, to)
