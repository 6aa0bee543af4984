"""The outside work of this host: offered, by queue, name and labels, oldest first; and taken.

An index over what runs owe. A take costs one look at the oldest offer of each name and set of
labels in its queue, whatever the number of offers.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import NamedTuple

from floe.model.effect import AwaitAnswer, OfferWork
from floe.model.ids import Instant, Key

Place = tuple[Instant, Key]
"""Where an offer stands: older ones first, then by key."""

Kind = tuple[str, frozenset[str]]
"""The name of some work, and the labels that its taker needs."""


class OpenWork(NamedTuple):
    """How much outside work of one kind is open."""

    queue: str
    name: str
    labels: frozenset[str]
    """That a taker needs; none where the work is taken."""
    by: str
    """Who has taken it; empty while it is offered."""
    number: int
    since: Instant
    """Since when the oldest of it is offered, or taken."""


class WorkOffers:
    """Open offers. Both changes are idempotent."""

    def __init__(self) -> None:
        self._by_key: dict[Key, OfferWork] = {}
        self._queues: dict[str, dict[Kind, list[Place]]] = {}
        self._oldest: Mapping[str, Instant] | None = {}
        """None after a change."""

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, offer: OfferWork) -> None:
        """Offer work, at the place of its age."""
        if offer.key in self._by_key:
            return
        self._by_key[offer.key] = offer
        self._oldest = None
        by_kind = self._queues.setdefault(offer.queue, {})
        insort(by_kind.setdefault((offer.name, offer.labels), []), (offer.since, offer.key))

    def remove(self, key: Key) -> None:
        """Offer work no longer."""
        offer = self._by_key.pop(key, None)
        if offer is None:
            return
        self._oldest = None
        kind = (offer.name, offer.labels)
        by_kind = self._queues[offer.queue]
        places = by_kind[kind]
        del places[bisect_left(places, (offer.since, key))]
        if not places:
            del by_kind[kind]
        if not by_kind:
            del self._queues[offer.queue]

    def fitting(self, queue: str, labels: frozenset[str], name: str = "") -> Iterator[OfferWork]:
        """What a taker with these labels may take from a queue, oldest first; only work of a name,
        if one is given. Change nothing while this is read."""
        by_kind = self._queues.get(queue, {})
        fitting = [
            places
            for (of, needed), places in by_kind.items()
            if needed <= labels and name in ("", of)
        ]
        return (self._by_key[key] for _, key in merge(*fitting))

    def counts(self) -> Iterator[OpenWork]:
        """How much of each kind is offered."""
        for queue, by_kind in self._queues.items():
            for (name, labels), places in by_kind.items():
                yield OpenWork(queue, name, labels, "", len(places), places[0][0])

    def oldest(self) -> Mapping[str, Instant]:
        """Since when the oldest offer of each queue waits."""
        if self._oldest is None:
            self._oldest = {
                queue: min(places[0][0] for places in by_kind.values())
                for queue, by_kind in self._queues.items()
            }
        return self._oldest


class WorkTakes:
    """Outside work that is taken and has no answer yet. Both changes are idempotent."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], dict[Key, Instant]] = {}

    def add(self, taken: AwaitAnswer) -> None:
        """Count work as taken."""
        kind = (taken.queue, taken.name, taken.by)
        self._kinds.setdefault(kind, {})[taken.key] = taken.since

    def remove(self, taken: AwaitAnswer) -> None:
        """Count work no longer."""
        kind = (taken.queue, taken.name, taken.by)
        keys = self._kinds.get(kind, {})
        keys.pop(taken.key, None)
        if not keys:
            self._kinds.pop(kind, None)

    def counts(self) -> Iterator[OpenWork]:
        """How much each taker has of each kind."""
        for (queue, name, by), keys in self._kinds.items():
            yield OpenWork(queue, name, frozenset(), by, len(keys), min(keys.values()))
