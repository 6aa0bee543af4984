"""The keeper's table: which claim holds which resources, and which claims wait for them.

Claims are granted in order of arrival; a claim overtakes an earlier one only if they share no tag.
Every change is a row that is stored before anyone can learn of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from floe.host.ledger import LedgerRows
from floe.host.step import Step
from floe.host.undoable import Undoable, UndoJournal
from floe.model.codec import decode, encode
from floe.model.ids import Instant
from floe.model.nouns import dataclass
from floe.model.peer_message import Claim, Claimed, GroupLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEntry:
    """A claim in the table of leases; each run has one at most."""

    claim: Claim
    tags: tuple[str, ...]
    fences: Mapping[str, str]
    """Empty while it waits."""
    arrival: int
    since: Instant
    """When it was granted, or began to wait."""
    parked: bool = False
    """No host took its run: it is skipped until its adopter asks again."""
    known: bool = False
    """Whether its adopter knows that it is granted."""
    group: GroupLimit | None = None
    """The one of the tags that several claims may hold."""

    def places(self, tag: str) -> int:
        """How many claims may hold a tag, this one in the table of leases among them."""
        return self.group.limit if self.group and self.group.tag == tag else 1


class LeaseTable:
    """Claims by the keys of their runs."""

    def __init__(self, journal: UndoJournal, rows: LedgerRows) -> None:
        self.by_run: Undoable[str, LeaseEntry] = Undoable(journal)
        self._holders: Undoable[str, tuple[str, ...]] = Undoable(journal)
        self._arrival = 0
        for key, shape in rows.get("kept", {}).items():
            if isinstance(shape, Mapping):
                self._index(key, decode(LeaseEntry, shape))

    def holders(self, tag: str) -> tuple[str, ...]:
        """The runs that hold a resource: one, or after a census all that were reported."""
        return self._holders.get(tag) or ()

    def held(self) -> list[tuple[str, LeaseEntry]]:
        """Each resource with each claim that holds it, by tag."""
        return sorted(
            ((tag, self.by_run[run]) for tag, runs in self._holders.items() for run in runs),
            key=lambda pair: (pair[0], pair[1].arrival),
        )

    def waiting(self, tag: str = "") -> list[LeaseEntry]:
        """The claims that wait for one tag, or for any, in order."""
        waiting = (h for h in self.by_run.values() if not h.fences)
        return sorted((h for h in waiting if not tag or tag in h.tags), key=lambda h: h.arrival)

    def position(self, entry: LeaseEntry) -> int:
        """The place of a claim among those that share a tag with it, from 1."""
        return 1 + sum(
            1
            for other in self.waiting()
            if other.arrival < entry.arrival and not set(other.tags).isdisjoint(entry.tags)
        )

    def members(self, group: str) -> list[LeaseEntry]:
        """The claims of a group: those that hold a place, as they got it, then those that wait."""
        return sorted((e for e in self.by_run.values() if group in e.tags), key=_age(group))

    def add(
        self, step: Step, claim: Claim, tags: tuple[str, ...], group: GroupLimit | None = None
    ) -> LeaseEntry:
        """Put a claim at the end of the queue."""
        self._arrival += 1
        entry = LeaseEntry(
            claim=claim,
            tags=tags,
            fences={},
            arrival=self._arrival,
            since=step.now,
            group=group,
        )
        return self.put(step, entry)

    def merge(self, step: Step, claimed: Claimed) -> None:
        """Add a claim as a host reported it."""
        old = self.by_run.get(claimed.claim.run)
        if old is not None and old.claim.number > claimed.claim.number:
            return
        if old is None or old.claim.number < claimed.claim.number:
            old = self.add(step, claimed.claim, claimed.tags, claimed.group)
        if claimed.fences and not old.fences:
            self.put(step, replace(old, fences=dict(claimed.fences), since=step.now))

    def put(self, step: Step, entry: LeaseEntry) -> LeaseEntry:
        """Set what is known of a claim."""
        step.promise_row("kept", entry.claim.run, encode(entry))
        self._index(entry.claim.run, entry)
        return entry

    def remove(self, step: Step, run: str) -> None:
        """A claim is over."""
        step.promise_row("kept", run, None)
        self._index(run, None)

    def clear(self, step: Step) -> None:
        """Remove all claims."""
        for run in tuple(self.by_run):
            self.remove(step, run)

    def ready(self) -> LeaseEntry | None:
        """The first claim that can be granted; None for none."""
        taken = {tag: len(runs) for tag, runs in self._holders.items()}
        for entry in self.waiting():
            if entry.parked:
                continue
            if all(taken.get(tag, 0) < entry.places(tag) for tag in entry.tags):
                return entry
            for tag in entry.tags:
                taken[tag] = taken.get(tag, 0) + 1
        return None

    def _index(self, run: str, entry: LeaseEntry | None) -> None:
        old = self.by_run.get(run)
        for tag in old.fences if old else ():
            rest = tuple(r for r in self.holders(tag) if r != run)
            self._holders.put(tag, rest or None)
        for tag in entry.fences if entry else ():
            self._holders.put(tag, (*self.holders(tag), run))
        if entry is not None:
            self._arrival = max(self._arrival, entry.arrival)
        self.by_run.put(run, entry)


def _age(group: str) -> Callable[[LeaseEntry], tuple[int, int, int]]:
    """Sorts the claims of a group, the oldest first. A census reports claims in any order, but
    fences grow."""

    def age(entry: LeaseEntry) -> tuple[int, int, int]:
        if fence := entry.fences.get(group):
            term, _, counter = fence.partition(".")
            return (0, int(term), int(counter))
        return (1, 0, entry.arrival)

    return age
