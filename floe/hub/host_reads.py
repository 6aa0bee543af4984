"""The questions about hosts: this host's figures, and the others as this one knows them.

Also the log of problems between hosts. The peers log problems of a connection themselves, and
`machine` those of the machine.
"""

import asyncio
import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

from floe.evaluators.base import EvaluatorCounts
from floe.expr.masking import Masks
from floe.feed.feed import Feed
from floe.host.leases.base import Lease
from floe.host.peers.member import Member
from floe.host.retention import RetentionRemovals, Wanted
from floe.hub.effects import Effects
from floe.hub.ended.archiving import Archiving
from floe.hub.ended.pruning import Pruning
from floe.hub.flows import Flows
from floe.hub.loop import Loop
from floe.hub.machine import Machine, without_numbers
from floe.hub.parts import Parts
from floe.model.codec import iso
from floe.model.host import DiskUse, HostView
from floe.model.ids import HostId, Instant, Json, Key, RunRef
from floe.model.nouns import dataclass
from floe.model.run import Phase, Run
from floe.nodes.base import ShownSecret
from floe.places import Places
from floe.shapes.findings import finding_shape
from floe.shapes.fleet import Fleet, Sentences
from floe.tasks import Tasks

log = structlog.get_logger()

CHECK_S: Final = 1.0
"""Seconds between two checks for problems to log."""

FINDINGS_MAX: Final = 20
"""Findings of its config, and runs that a drain leaves, that a host reports to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCounts:
    """How many runs a host has, and other counts of it."""

    runs: Mapping[Phase, int]
    """Runs that are not archived, by phase."""
    slots: int
    running: int
    """Attempts that are carried out."""
    waiting: int
    """Attempts that wait for a place among the host's commands."""
    evaluators: EvaluatorCounts
    inbox: int
    listeners: int
    """Clients of the feed."""
    events: int
    """The position of the newest event."""
    flows: int
    pruned: int
    """Runs that were removed."""
    disk: DiskUse | None
    """None until it was measured."""
    up_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostReads:
    """Answers questions about hosts."""

    parts: Parts
    started_at: Instant
    flows: Flows
    loop: Loop
    feed: Feed
    effects: Effects
    machine: Machine
    pruning: Pruning
    tasks: Tasks
    archiving: Archiving | None = None
    """None where ended runs stay on this host alone."""

    # --- this host ---

    @property
    def host(self) -> HostId:
        """The name of this host."""
        return self.parts.host.id

    @property
    def places(self) -> Places:
        """The file systems of this machine, for reading files that may hang."""
        return self.parts.places

    def secrets(self) -> Sequence[ShownSecret]:
        """The secrets that this host has, without their values."""
        return self.parts.secrets.shown()

    def masks(self) -> Masks:
        """Finds the secrets of this host in text."""
        return self.parts.secrets.masks()

    def now(self) -> Instant:
        """The present, by the host's clock."""
        return self.parts.clock.now()

    def moved_to(self, run: Run) -> str:
        """The name of the re-run that took the workspace of a run here; empty for none."""
        return self.loop.core.moved_to(run)

    def view(self) -> HostView:
        """This host as placing sees it."""
        return self.loop.core.view()

    def staying(self) -> list[tuple[str, str]]:
        """The runs that are left while this host drains, each with why it stays; oldest first."""
        runs = self.loop.core.staying(self.now()) if self.view().draining else ()
        return [(self.loop.core.called(ref.key), why) for ref, why in runs]

    def counts(self) -> HostCounts:
        """The numbers of this host."""
        asleep = Counter(one.phase for one in self.loop.core.table.runs.asleep.values())
        return HostCounts(
            runs=Counter(run.phase for run in self.lives()) + asleep,
            slots=self.parts.host.slots,
            running=self.effects.running(),
            waiting=len(self.effects.waiting()),
            evaluators=self.effects.judgements.counts(),
            inbox=len(self.loop),
            listeners=len(self.feed),
            events=self.feed.head,
            flows=len(self.flows.book.flows),
            pruned=self.pruning.removed,
            disk=self.pruning.use,
            up_s=(self.now() - self.started_at) / 1000,
        )

    async def prunable(self, wanted: Wanted) -> RetentionRemovals:
        """What would be removed. Raises FloeError, OSError."""
        return await self.pruning.prune(wanted, dry_run=True)

    def refusal(self) -> str:
        """Why this host takes and begins no new run now; empty while it does."""
        if self.loop.store_problem:
            return "the store refuses writes"
        if refusal := self.machine.refusal():
            return refusal.partition(":")[0]  # without the path that may follow
        if problem := self.machine.files or self.effects.problem():
            return problem
        return "draining: it takes no new runs" if self.view().draining else ""

    def clock_problem(self) -> str:
        """What happened to the wall clock, as a sentence; empty while it advances evenly."""
        return self.parts.clock.problem()

    def lesser_troubles(self) -> tuple[str, ...]:
        """What an operator should know, although runs are accepted and started."""
        others = filter(None, [self.archive_problem(), self.effects.judgements.problem()])
        return (*self.places.problems(), *self.tasks.troubles(), *others)

    def hangs(self) -> str:
        """That a file system hangs: only work that needs it waits. Empty for none."""
        return next(iter(self.places.problems()), "")

    def archive_problem(self) -> str:
        """Why ended runs are not packed now: nothing else waits for that. Empty for nothing."""
        return self.archiving.problem() if self.archiving else ""

    # --- leases ---

    def leases(self) -> list[Lease]:
        """The resources and workspaces that this host knows to be held."""
        return self.loop.core.leases()

    def keeper_elsewhere(self) -> HostId | None:
        """The host that keeps the cluster's resources, where it is not this one."""
        keeper = self.parts.host.keeper if self.parts.host.peers else None
        return None if keeper == self.host else keeper

    def lease_problem(self) -> str:
        """Why this host gives no resources now; empty for a host alone, or while it does."""
        if self.parts.host.peers and not self.parts.host.keeper:
            return "no `keeper:` is configured: no host grants resources"
        return self.loop.core.lease_problem()

    # --- all hosts ---

    def others(self) -> list[HostId]:
        """The other hosts that are known by name and not forgotten."""
        return [*self.loop.core.members]

    def members(self) -> Sequence[Member]:
        """The same, with all that is known about each."""
        return [*self.loop.core.members.values()]

    def fleet(self) -> Fleet:
        """All hosts, as this one knows them."""
        core, now = self.loop.core, self.now()
        members, peers = self.members(), self.parts.peers
        return Fleet(
            now=now,
            host=self.parts.host,
            view=core.view(),
            about=self.about(),
            timed=self.flows.book.timed(),
            clock=self.clock_problem(),
            troubles=tuple(dict.fromkeys((*self.machine.troubles(), *self.lesser_troubles()))),
            members=members,
            seen=peers.seen() if peers else (),
            faults=core.peer_problems(now),
            disagreement=core.disagreement(),
        )

    def problems(self) -> Sentences:
        """The problems of all hosts, as this one knows them."""
        return self.fleet().problems()

    def about(self) -> Mapping[str, Json]:
        """The figures that this host sends to the other hosts."""
        book, limit = self.flows.book, self.effects.limit()
        return {
            "version": self.parts.version,
            "started_at": iso(self.started_at),
            "pending": len(self.loop.core.table.pends),
            "load": round(os.getloadavg()[0], 2),
            "cpus": os.cpu_count() or 1,
            "commands": self.parts.attempts.commands,
            "commands_at_once": limit.count if limit else self.parts.attempts.commands,
            "commands_why": limit.why if limit else "",
            "running": self.effects.running(),
            "waiting": len(self.effects.waiting()),
            "judging": self.effects.judgements.counts().waiting,
            "disk": self._disk(),
            "staying": [" ".join(one) for one in self.staying()[:FINDINGS_MAX]],
            "config": {
                "path": book.path,
                "digest": book.digest,
                "loaded_at": iso(book.loaded_at),
                "findings": [finding_shape(f) for f in book.findings[:FINDINGS_MAX]],
            },
            "flows": dict(book.bodies),
            "common": dict(book.common),
        }

    def _disk(self) -> Json:
        if (use := self.pruning.use) is None:
            return None
        sizes = {"workspaces": use.workspaces, "outputs": use.outputs, "store": use.store}
        return {"at": iso(use.at), **sizes}

    # --- runs ---

    def lives(self) -> Iterator[Run]:
        """Every run that is not archived and not asleep, as it is stored."""
        refs = dict.fromkeys((*self.loop.core.table.runs, *self.loop.storing))
        return filter(None, map(self._live, refs))

    def output_path(self, key: Key) -> Path:
        """The file with the output of an attempt that runs here; it may not exist."""
        return self.parts.attempts.output_path(key)

    async def output(self, run: Run, key: Key) -> Path:
        """The file with an attempt's output, fetched if it is only in the archive.

        It may not exist. Raises ArchiveAway, OSError.
        """
        if self.archiving:
            return await self.archiving.copies.output(run, key)
        return self.output_path(key)

    def _live(self, ref: RunRef) -> Run | None:
        """A run as it is stored: an event that the store has not taken yet may never be one."""
        runs = self.loop.core.table.runs.awake
        return self.loop.storing.get(ref, runs.get(ref))


async def keep_logged(problems: Callable[[], Sentences]) -> None:
    """Log each problem of a host when it begins and when it is over."""
    known: dict[tuple[HostId, str], str] = {}
    while True:
        now = {
            (host, without_numbers(problem)): problem
            for host, sentences in problems().items()
            for problem in sentences
        }
        for key in now.keys() - known.keys():
            log.warning("cluster.problem", host=key[0], problem=now[key])
        for key in known.keys() - now.keys():
            log.info("cluster.problem_over", host=key[0], problem=known[key])
        known = now
        await asyncio.sleep(CHECK_S)
