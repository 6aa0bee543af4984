"""The outside work of this host: offered, by queue, name and labels, oldest first; and taken.

An index over what runs owe. A take costs one look at the oldest offer of each name and set of
labels in its queue, whatever the number of offers. There may be 100,000 of them, so offers of one
kind share its texts.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import NamedTuple

from floe.model.effect import AwaitAnswer, OfferWork
from floe.model.ids import Instant, Key
from floe.model.nouns import replace

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
        self._queues: dict[str, dict[Kind, list[OfferWork]]] = {}
        """Of each kind at least one, older ones first, then by key."""
        self._oldest: Mapping[str, Instant] | None = {}
        """None after a change."""

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, offer: OfferWork) -> None:
        """Offer work, at the place of its age."""
        if offer.key in self._by_key:
            return
        self._oldest = None
        by_kind = self._queues.setdefault(offer.queue, {})
        alike = by_kind.setdefault((offer.name, offer.labels), [])
        if alike:
            like = alike[0]
            offer = replace(offer, queue=like.queue, name=like.name, labels=like.labels)
        self._by_key[offer.key] = offer
        insort(alike, offer, key=_place)

    def remove(self, key: Key) -> None:
        """Offer work no longer."""
        offer = self._by_key.pop(key, None)
        if offer is None:
            return
        self._oldest = None
        kind = (offer.name, offer.labels)
        by_kind = self._queues[offer.queue]
        alike = by_kind[kind]
        del alike[bisect_left(alike, _place(offer), key=_place)]
        if not alike:
            del by_kind[kind]
        if not by_kind:
            del self._queues[offer.queue]

    def fitting(self, queue: str, labels: frozenset[str], name: str = "") -> Iterator[OfferWork]:
        """What a taker with these labels may take from a queue, oldest first; only work of a name,
        if one is given. Change nothing while this is read."""
        by_kind = self._queues.get(queue, {})
        fitting = [
            alike
            for (of, needed), alike in by_kind.items()
            if needed <= labels and name in ("", of)
        ]
        return merge(*fitting, key=_place)

    def counts(self) -> Iterator[OpenWork]:
        """How much of each kind is offered."""
        for queue, by_kind in self._queues.items():
            for (name, labels), alike in by_kind.items():
                yield OpenWork(queue, name, labels, "", len(alike), alike[0].since)

    def oldest(self) -> Mapping[str, Instant]:
        """Since when the oldest offer of each queue waits."""
        if self._oldest is None:
            self._oldest = {
                queue: min(alike[0].since for alike in by_kind.values())
                for queue, by_kind in self._queues.items()
            }
        return self._oldest


class WorkTakes:
    """Outside work that is taken and has no answer yet. Both changes are idempotent."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], dict[Key, Instant]] = {}
        self._by_take: dict[tuple[str, str], Key] = {}

    def add(self, taken: AwaitAnswer) -> None:
        """Count work as taken."""
        kind = (taken.queue, taken.name, taken.by)
        self._kinds.setdefault(kind, {})[taken.key] = taken.since
        self.note(taken.through, taken.take, taken.key)

    def remove(self, taken: AwaitAnswer) -> None:
        """Count work no longer."""
        kind = (taken.queue, taken.name, taken.by)
        keys = self._kinds.get(kind, {})
        keys.pop(taken.key, None)
        if not keys:
            self._kinds.pop(kind, None)
        if self.of(taken.through, taken.take) == taken.key:
            del self._by_take[taken.through, taken.take]

    def note(self, through: str, take: str, key: Key) -> None:
        """Keep what a take through a host has, also if that is not stored yet."""
        self._by_take[through, take] = key

    def of(self, through: str, take: str) -> Key | None:
        """What a take through a host has; None for nothing."""
        return self._by_take.get((through, take))

    def counts(self) -> Iterator[OpenWork]:
        """How much each taker has of each kind."""
        for (queue, name, by), keys in self._kinds.items():
            yield OpenWork(queue, name, frozenset(), by, len(keys), min(keys.values()))


def _place(offer: OfferWork) -> tuple[Instant, Key]:
    """Where an offer stands among those of its kind."""
    return offer.since, offer.key
