"""The peer messages about runs that move, and the events that they carry.

Source: docs/cluster-protocol.md, "Runs that move".
"""

from floe.model.codec import Body
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """In a peer message: one event of a run's log on its way to a different host."""

    epoch: int
    seq: int
    event: str
    """The name of its class."""
    body: Body
    """As it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """Peer message to the adopter: a run only waits; these are the events that it may lack."""

    run: str
    epoch: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestedStored:
    """Peer message, a reply: the events up to this one are stored; do not repeat them."""

    run: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Peer message to the adopter: it has the pen again; the last event is RunReturned."""

    run: str
    epoch: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedStored:
    """Peer message, a reply: the returned run is stored; do not repeat it."""

    run: str
    epoch: int
