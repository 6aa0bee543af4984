"""The messages between peers about outside work: a host takes it for a program that asked it.

Source: docs/cluster-protocol.md, "Outside work".
"""

from floe.model.call import TakenWork
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SeekWork:
    """Peer message: which outside work of yours fits a taker?"""

    take: str
    """Names the take that is to follow."""
    queue: str
    labels: frozenset[str] = frozenset()
    """What the taker has."""
    name: str = ""
    """Only work of this name; empty for any."""
    run: str = ""
    """The key of the run whose work this take got before, and asks for again; empty for a new
    take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWork:
    """Peer message, a reply: the outside work that fits, oldest first."""

    take: str
    keys: tuple[str, ...] = ()
    run: str = ""
    """As in the question: an answer to an earlier one may come late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Peer message to the pen holder: take this outside work for a taker of the sender."""

    key: str
    take: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Peer message, a reply: the take has the work. Without work it never gets this work."""

    key: str
    take: str
    work: TakenWork | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untake:
    """Peer message to the pen holder: this take is void, since its taker never got the work."""

    key: str
    """Of the work; empty where the sender does not know it: the take is void for all work."""
    take: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """Peer message, a reply: it is stored that the take is void."""

    key: str
    take: str
