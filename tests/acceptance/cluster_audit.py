"""Reads what a cluster left on its disks and what its commands wrote down, and judges both.

What happened is told once more in the order of the one clock that all hosts of a test share, and
held against the invariants of the simulator. Nothing is known here of how the hosts came to it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import cast

from floe.host.site import SiteSettings
from floe.kernel.evolve import fold
from floe.model.codec import decode
from floe.model.event import NodeStarted, RunActivated, RunGranted
from floe.model.flow import Flow
from floe.model.ids import HostId, Json, Key, RunRef
from floe.model.run import Run
from floe.model.work import Exec
from floe.store.base import Record
from floe.store.sqlite import SqliteStore
from tests.acceptance.cluster_flows import ATTEMPTS, Told
from tests.sim.disk import Disk
from tests.sim.invariants import check_activation, check_run, check_start, copies_are_prefixes
from tests.sim.truth import Branch, Place, Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What one host left."""

    host: HostId
    disk: Disk
    flows: Mapping[str, Flow]
    """By digest."""

    @property
    def place(self) -> Place:
        """Host and store."""
        return Place(self.host, self.disk.store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A trigger that was accepted: who answered, and with which run."""

    host: str
    run: str
    cancelled: bool = False
    """Somebody asked for its end, and may have come too late."""


def read_disk(host: str, root: Path) -> Left:
    """What a host that is stopped left."""

    async def read() -> Left:
        store = SqliteStore(root)
        await store.open()
        try:
            disk = Disk(store.store_id, 0)
            for stored in await store.tail(0):
                disk.logs.setdefault(stored.record.run, []).append(stored.record)
            shapes = cast(Mapping[str, Mapping[str, Json]], await store.ledger("flow"))
            flows = {digest: decode(Flow, shape) for digest, shape in shapes.items()}
            return Left(host=HostId(host), disk=disk, flows=flows)
        finally:
            await store.close()

    return asyncio.run(read())


class Audit:
    """One cluster afterwards. Attribute: `complaints` in sentences; none is how it must be."""

    def __init__(
        self,
        left: Sequence[Left],
        asked: Sequence[Asked],
        told: Sequence[Told],
        tags: Mapping[str, str],
    ) -> None:
        """`tags` are those of each host."""
        self.complaints: list[str] = []
        self._left = left
        self._asked = asked
        self._told = told
        self._settings = {
            host: SiteSettings(id=HostId(host), tags=frozenset(has.split(",")), workspace_root="/")
            for host, has in tags.items()
        }
        self._logs = _longest(one.disk for one in left)
        flows = {digest: flow for one in left for digest, flow in one.flows.items()}
        self._runs = {ref: _folded(ref, log, flows) for ref, log in self._logs.items()}
        self._truth = Truth()

    def judge(self) -> list[str]:
        """Everything that is not as it must be."""
        self.complaints += self._triggers()
        for ref, run in self._runs.items():
            if run.flow:  # else its flow-file was never read
                self._hold(check_run, run, [record.event for record in self._logs[ref]])
            self.complaints += self._end(run)
        for one, other in combinations(self._left, 2):
            self._hold(copies_are_prefixes, [one.disk, other.disk])
        self._tell_once_more()
        self.complaints += self._commands()
        return self.complaints

    # --- by the log ---

    def _triggers(self) -> Iterator[str]:
        """1: what was accepted is one run of its own, and there are no others."""
        stores = {str(one.host): one.disk.store for one in self._left}
        wanted = Counter(RunRef.parse(asked.run, stores[asked.host]) for asked in self._asked)
        yield from (f"{ref} is the answer to {n} triggers" for ref, n in wanted.items() if n > 1)
        lost, strange = wanted.keys() - self._runs.keys(), self._runs.keys() - wanted.keys()
        yield from (f"{ref} was accepted and is on no disk" for ref in lost)
        yield from (f"{ref} is nobody's trigger" for ref in strange)

    def _end(self, run: Run) -> Iterator[str]:
        """5: each is over; good, or cancelled by who said so; and was begun once."""
        is_cancelled = any(a.run == str(run.ref) and a.cancelled for a in self._asked)
        if run.phase not in ("ended", "packed"):
            yield f"{run.ref} is {run.phase} in the end"
        elif not run.good and not is_cancelled:
            yield f"{run.ref} ended bad: {run.why}"
        log = self._logs[run.ref]
        hosts = [record.event.host for record in log if isinstance(record.event, RunActivated)]
        if len(hosts) > 1:
            yield f"{run.ref} was activated on {hosts}, and no host was lost"

    # --- by what the commands wrote ---

    def _tell_once_more(self) -> None:
        """2, 3, 4: each beginning, at its time, as the simulator judges it."""
        last: dict[tuple[RunRef, int], Told] = {}
        for one in sorted(self._told, key=_end_of):
            last[one.key.run, one.key.epoch] = one
        moments = [(one.begun, self._begin, one) for one in self._told]
        moments += [(_end_of(one), self._close, one) for one in last.values()]
        for _, act, one in sorted(moments, key=lambda moment: moment[0]):
            act(one)

    def _close(self, one: Told) -> None:
        self._truth.close(one.key.run, one.key.epoch, int(_end_of(one) * 1000))

    def _begin(self, one: Told) -> None:
        ref, epoch, truth = one.key.run, one.key.epoch, self._truth
        left = next(left for left in self._left if left.host == one.host)
        flow = self._runs[ref].flow if ref in self._runs else None
        if flow is None:
            self.complaints.append(f"{one.key} began on {one.host}, and its run is on no disk")
            return
        if (ref, epoch) not in truth.branches:
            branch = Branch(
                run=ref,
                epoch=epoch,
                place=left.place,
                flow=flow,
                fences=one.fences,
                since=int(one.begun * 1000),
            )
            self._hold(check_activation, truth, branch, self._settings[one.host])
            truth.open(branch)
            if one.fences != _granted(self._logs[ref], epoch):
                self.complaints.append(f"{one.key} was told the fences {one.fences}")
        self._hold(check_start, truth, left.disk, left.place, one.key)
        truth.starts[one.key] = left.place

    def _commands(self) -> Iterator[str]:
        """4: what was recorded began, once, and nothing else did."""
        begun: dict[RunRef, set[Key]] = defaultdict(set)
        for one in self._told:
            begun[one.key.run].add(one.key)
        for ref, run in self._runs.items():
            here, recorded = begun[ref], set(commands_started(run, self._logs[ref]))
            if here - recorded:
                yield f"{ref} began what nobody recorded: {_names(here - recorded)}"
            if recorded - here and run.good:
                yield f"{ref} recorded what never began: {_names(recorded - here)}"
            if run.good and {(key.node, key.attempt) for key in here} != ATTEMPTS[run.flow_id]:
                yield f"{ref} ended good with {_names(here)}"

    def _hold(self, invariant: Callable[..., None], *args: object) -> None:
        try:
            invariant(*args)
        except AssertionError as broken:
            what = next((arg for arg in args if isinstance(arg, Run)), None)
            where = f" ({invariant.__name__} of {what.ref})" if what else ""
            self.complaints.append(f"{broken}{where}")


def commands_started(run: Run, log: Iterable[Record]) -> Iterator[Key]:
    """The attempts of commands as a log has them."""
    for record in log:
        event = record.event
        if isinstance(event, NodeStarted) and isinstance(run.nodes[event.node].work, Exec):
            yield Key(run.ref, record.epoch, event.node, event.visit, event.attempt)


def _longest(disks: Iterable[Disk]) -> dict[RunRef, Sequence[Record]]:
    """Of each run the copy of whoever had its pen last."""
    copies: dict[RunRef, list[Sequence[Record]]] = defaultdict(list)
    for disk in disks:
        for ref, log in disk.logs.items():
            copies[ref].append(log)
    return {
        ref: max(logs, key=lambda log: (log[-1].epoch, len(log))) for ref, logs in copies.items()
    }


def _folded(ref: RunRef, log: Sequence[Record], flows: Mapping[str, Flow]) -> Run:
    run = fold(ref, [record.event for record in log])
    return replace(run, flow=flows.get(run.digest or ""))


def _granted(log: Sequence[Record], epoch: int) -> Mapping[str, str]:
    events = (record.event for record in log if record.epoch == epoch)
    return next((event.fences for event in events if isinstance(event, RunGranted)), {})


def _end_of(one: Told) -> float:
    return one.ended or one.begun


def _names(keys: Iterable[Key]) -> list[str]:
    return sorted(f"{key.node}.{key.attempt}" for key in keys)
