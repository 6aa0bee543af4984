"""The outside work that this host offers: by queue, name and labels, oldest first.

An index over what runs owe. A take costs one look at the oldest offer of each name and set of
labels in its queue, whatever the number of offers.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from heapq import merge

from floe.model.effect import OfferWork
from floe.model.ids import Instant, Key

Place = tuple[Instant, Key]
"""Where an offer stands: older ones first, then by key."""

Kind = tuple[str, frozenset[str]]
"""The name of some work, and the labels that its taker needs."""


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

    def oldest(self) -> Mapping[str, Instant]:
        """Since when the oldest offer of each queue waits."""
        if self._oldest is None:
            self._oldest = {
                queue: min(places[0][0] for places in by_kind.values())
                for queue, by_kind in self._queues.items()
            }
        return self._oldest
