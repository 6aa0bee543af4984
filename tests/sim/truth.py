"""What an all-seeing observer records of a simulated cluster, by one clock.

Nothing here decides anything; `invariants` judges it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from floe.kernel.place import HOST_SCOPED
from floe.model.flow import Flow
from floe.model.ids import HostId, Key, RunRef, StoreId
from floe.model.run import Run


class Broken(AssertionError):
    """An invariant does not hold; its text begins with the invariant's name."""


class Place(NamedTuple):
    """A store of a host: what a pen, a grant or a forget names."""

    host: HostId
    store: StoreId

    def __str__(self) -> str:
        return f"{self.host}@{self.store}"


@dataclass(slots=True, eq=False, kw_only=True)
class Branch:
    """A run under one epoch on one host, from its activation until nothing of it is left."""

    run: RunRef
    epoch: int
    place: Place
    flow: Flow
    fences: Mapping[str, str]
    since: int
    space: RunRef | None = None
    """The run that made what is in the workspace that it is to take over; None for nothing."""
    until: int | None = None
    busy_since: int | None = None
    """Since when it takes a slot; None where it takes none."""

    @property
    def leases(self) -> list[str]:
        """What it holds: cluster tags, and with the host's name those that are the host's."""
        host = self.place.host
        tags = [t if not t.startswith(HOST_SCOPED) else f"{t}@{host}" for t in self.tags]
        if self.flow.reuse_space:
            tags.append(f"space:{self.flow.id}@{host}")
        if self.flow.max_runs and self.group not in tags:
            tags.append(self.group)
        return tags

    @property
    def group(self) -> str:
        """The lease of its place, if its flow has `max-runs`."""
        return f"max-runs {self.flow.id}"

    def places(self, lease: str) -> int:
        """How many runs may have a lease at once."""
        return self.flow.max_runs.limit if self.flow.max_runs and lease == self.group else 1

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that only one run may hold."""
        is_alone = self.flow.max_runs is not None and self.flow.max_runs.limit == 1
        return (*self.flow.resource_tags, *((self.group,) if is_alone else ()))

    def __str__(self) -> str:
        return f"{self.run} epoch {self.epoch} on {self.place}"


@dataclass(slots=True)
class Truth:
    """The record of one trial."""

    accepted: dict[RunRef, int] = field(default_factory=dict)
    """Triggers whose 202 was given, and when."""
    cancelled: dict[RunRef, int] = field(default_factory=dict)
    """Cancels that were answered as taken, and when."""
    branches: dict[tuple[RunRef, int], Branch] = field(default_factory=dict)
    holders: dict[str, list[Branch]] = field(default_factory=dict)
    """Of each lease, the branches that are not over."""
    fences: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each cluster tag, the highest fence that was activated with."""
    starts: dict[Key, Place] = field(default_factory=dict)
    """Where each attempt's process was started."""
    living: dict[tuple[RunRef, int], set[Key]] = field(default_factory=dict)
    """Processes that exist now."""
    forgotten: set[Place] = field(default_factory=set)
    lost: set[Place] = field(default_factory=set)
    """Stores that are no more: wiped or replaced by a backup."""
    amnesia: bool = False
    """No host that is left has seen the latest term: fences may begin anew, below the old ones."""
    freed: set[tuple[str, RunRef]] = field(default_factory=set)
    """Leases that an operator took from a run."""
    superseded: set[tuple[RunRef, int]] = field(default_factory=set)
    """Runs and epochs that a host ended because it had been forgotten."""
    told: set[tuple[RunRef, Place]] = field(default_factory=set)
    """Cancels that a pen holder has heard."""

    asked: dict[tuple[HostId, StoreId, str], RunRef] = field(default_factory=dict)
    """The run of each request that a store knows."""
    ended: dict[str, list[Run]] = field(default_factory=dict)
    """Runs as they ended, by key; one that its adopter had to give up may end twice."""
    reruns: dict[RunRef, frozenset[str]] = field(default_factory=dict)
    """Of each re-run, the keys of the runs that it shows."""
    promised: dict[tuple[RunRef, Place], RunRef] = field(default_factory=dict)
    """Of re-runs whose earlier workspace is at a place, the run that made what is in it."""
    removed: dict[str, Place] = field(default_factory=dict)
    """Runs that the store with their logs removed."""
    pruned: set[tuple[Place, str]] = field(default_factory=set)
    """Stores and the runs that they do not have any more."""
    restored: set[str] = field(default_factory=set)
    """Runs that are in a backup that was put back."""
    doubled: set[str] = field(default_factory=set)
    """Those of them whose logs are in it."""

    children: dict[Key, list[RunRef]] = field(default_factory=dict)
    """The children of each attempt; all epochs and attempts of a node have one key."""
    ends: set[RunRef] = field(default_factory=set)
    """Children that have ended anywhere."""

    def open(self, branch: Branch) -> None:
        """A run was activated."""
        self.branches[branch.run, branch.epoch] = branch
        for lease in branch.leases:
            self.holders.setdefault(lease, []).append(branch)
        for tag, fence in branch.fences.items():
            self.fences[tag] = max(self.fences.get(tag, (0, 0)), read_fence(fence))

    def close(self, run: RunRef, epoch: int, at: int) -> None:
        """Nothing of a branch is left, or the hub that holds it has recorded so."""
        branch = self.branches.get((run, epoch))
        if branch is None or branch.until is not None:
            return
        branch.until = at
        for lease in branch.leases:
            self.holders[lease].remove(branch)

    def is_gone(self, place: Place) -> bool:
        """Whether whatever a store holds may have been given to others."""
        return place in self.forgotten or place in self.lost


def read_fence(text: str) -> tuple[int, int]:
    """Term and counter of `term.counter`."""
    term, _, counter = text.partition(".")
    return int(term), int(counter)
