"""Reads what a cluster left on its disks and what its commands wrote down, and judges both.

A run's own log is judged by the invariants of the simulator; those of several hosts have their
names from there. It knows nothing of how the hosts came to it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import cast

from floe.kernel.evolve import fold
from floe.model.codec import decode
from floe.model.event import NodeStarted, RunActivated
from floe.model.flow import Exec, Flow
from floe.model.refs import Json, Key, RunRef, StoreId
from floe.model.run import Run
from floe.store.base import Record
from floe.store.sqlite import SqliteStore
from tests.acceptance.cluster_flows import ATTEMPTS, HOST_TAGS, RESOURCES, Told
from tests.sim.invariants import check_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What one host has on its disk."""

    host: str
    store: StoreId
    logs: Mapping[RunRef, Sequence[Record]]
    flows: Mapping[str, Flow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A trigger that was accepted: who answered, and with which run."""

    host: str
    flow: str
    run: str
    cancelled: bool = False


def read_disk(host: str, root: Path) -> Disk:
    """The disk of a host that is stopped."""

    async def read() -> Disk:
        store = SqliteStore(root)
        await store.open()
        try:
            logs: dict[RunRef, list[Record]] = defaultdict(list)
            for stored in await store.tail(0):
                logs[stored.record.run].append(stored.record)
            shapes = cast(Mapping[str, Mapping[str, Json]], await store.ledger("flow"))
            flows = {digest: decode(Flow, shape) for digest, shape in shapes.items()}
            return Disk(host=host, store=store.store_id, logs=logs, flows=flows)
        finally:
            await store.close()

    return asyncio.run(read())


def audit(
    disks: Sequence[Disk],
    asked: Sequence[Asked],
    told: Sequence[Told],
    tags: Mapping[str, str],
) -> list[str]:
    """Everything that is not as it must be, in sentences. `tags` are those of each host."""
    flows = {digest: flow for disk in disks for digest, flow in disk.flows.items()}
    runs = {ref: _whole(ref, disks) for ref in {ref for disk in disks for ref in disk.logs}}
    folded = {ref: _folded(ref, log, flows) for ref, log in runs.items()}
    return [
        *trigger_is_never_lost(disks, asked, runs),
        *copies_are_prefixes(disks),
        *log_keeps_its_rules(folded, runs),
        *run_is_activated_once_where_its_tags_are(runs, folded, tags),
        *run_ends_as_it_was_asked_to(folded, asked),
        *attempt_starts_once_where_its_run_is(folded, runs, told),
        *resource_is_held_once(told, folded),
        *fences_grow(told),
    ]


def trigger_is_never_lost(
    disks: Sequence[Disk], asked: Sequence[Asked], runs: Mapping[RunRef, Sequence[Record]]
) -> Iterator[str]:
    """1: what was accepted is one run of its own, and there are no others."""
    stores = {disk.host: disk.store for disk in disks}
    wanted = Counter(_ref(a, stores[a.host]) for a in asked)
    yield from (f"{ref} is the answer to {n} triggers" for ref, n in wanted.items() if n > 1)
    yield from (f"{ref} was accepted and is on no disk" for ref in wanted.keys() - runs.keys())
    yield from (f"{ref} is nobody's trigger" for ref in runs.keys() - wanted.keys())


def copies_are_prefixes(disks: Sequence[Disk]) -> Iterator[str]:
    """13: any two copies of a log are prefixes of one another within an epoch."""
    for one, other in combinations(disks, 2):
        for ref in one.logs.keys() & other.logs.keys():
            here, there = _by_epoch(one.logs[ref]), _by_epoch(other.logs[ref])
            for epoch in here.keys() & there.keys():
                if any(a != b for a, b in zip(here[epoch], there[epoch], strict=False)):
                    yield f"{ref} is written differently on {one.host} and {other.host}"


def log_keeps_its_rules(
    folded: Mapping[RunRef, Run], runs: Mapping[RunRef, Sequence[Record]]
) -> Iterator[str]:
    """Every log fulfils what the simulator demands of each run."""
    for ref, run in folded.items():
        try:
            if run.flow:  # else its flow-file was never read
                check_run(run, [record.event for record in runs[ref]])
        except AssertionError as broken:
            yield f"{ref} breaks a rule of its log: {broken}"


def run_is_activated_once_where_its_tags_are(
    runs: Mapping[RunRef, Sequence[Record]],
    folded: Mapping[RunRef, Run],
    tags: Mapping[str, str],
) -> Iterator[str]:
    """A run goes to one host, and that has its tags."""
    for ref, log in runs.items():
        places = [record.event.host for record in log if isinstance(record.event, RunActivated)]
        if len(places) > 1:
            yield f"{ref} was activated on {places}"
        needed = HOST_TAGS.get(folded[ref].flow_id, set())
        for host in places:
            if not needed <= set(tags[host].split(",")):
                yield f"{ref} ran on {host}, which has not {needed}"


def run_ends_as_it_was_asked_to(
    folded: Mapping[RunRef, Run], asked: Sequence[Asked]
) -> Iterator[str]:
    """5: each is over; good, or cancelled by who said so."""
    cancelled = {a.run for a in asked if a.cancelled}
    for ref, run in folded.items():
        if run.phase not in ("ended", "packed"):
            yield f"{ref} is {run.phase} in the end"
        elif not run.good and str(ref) not in cancelled:
            yield f"{ref} ended bad: {run.why}"


def attempt_starts_once_where_its_run_is(
    folded: Mapping[RunRef, Run], runs: Mapping[RunRef, Sequence[Record]], told: Sequence[Told]
) -> Iterator[str]:
    """4: each command that was recorded began once, and no other did."""
    begun = {t.key: t for t in told}
    for ref, run in folded.items():
        here = {key for key in begun if key.run == ref}
        recorded = set(commands_started(run, runs[ref]))
        if here - recorded:
            yield f"{ref} started and nobody recorded {_names(here - recorded)}"
        if recorded - here and run.good:
            yield f"{ref} recorded and nothing started of {_names(recorded - here)}"
        if run.good and {(key.node, key.attempt) for key in here} != ATTEMPTS[run.flow_id]:
            yield f"{ref} ended good with the attempts {_names(here)}"
        if astray := {begun[key].host for key in here} - {run.host}:
            yield f"{ref} has commands on {astray}, and its host is {run.host}"
    if strangers := {key.run for key in begun} - folded.keys():
        yield f"commands ran of runs that are on no disk: {strangers}"


def resource_is_held_once(told: Sequence[Told], folded: Mapping[RunRef, Run]) -> Iterator[str]:
    """3: no two runs whose commands overlap hold the same thing."""
    spans: dict[str, list[tuple[float, float, RunRef]]] = defaultdict(list)
    for ref, mine in _by_run(told).items():
        begun, ended = mine[0].begun, max(t.ended or t.begun for t in mine)
        for thing in things_of(folded[ref].flow_id, mine[0].host):
            spans[thing].append((begun, ended, ref))
    for thing, held in spans.items():
        for (begun, ended, one), (later, _, other) in combinations(sorted(held), 2):
            if later < ended:
                yield f"{thing} is held by {one} since {begun:.3f} and by {other} since {later:.3f}"


def fences_grow(told: Sequence[Told]) -> Iterator[str]:
    """3: who holds a resource later has the higher fence, and nobody has that of another."""
    seen: dict[str, list[tuple[tuple[int, int], RunRef]]] = defaultdict(list)
    for ref, mine in _by_run(told).items():
        for tag, fence in mine[0].fences.items():
            seen[tag].append((fence, ref))
    for tag, held in seen.items():
        for (low, one), (high, other) in pairwise(held):
            if not low < high:
                yield f"{tag} had the fence {low} for {one} and then {high} for {other}"


def things_of(flow: str, host: str) -> Iterator[str]:
    """What a run of a flow holds on a host."""
    yield from RESOURCES.get(flow, ())
    if flow == "phone":
        yield f"host:phone of {host}"
    if flow == "kept":
        yield f"the workspace of {host}"


def commands_started(run: Run, log: Iterable[Record]) -> Iterator[Key]:
    """The attempts of commands as a log has them."""
    for record in log:
        event = record.event
        if isinstance(event, NodeStarted) and isinstance(run.nodes[event.node].work, Exec):
            yield Key(run.ref, record.epoch, event.node, event.visit, event.attempt)


def _ref(asked: Asked, store: StoreId) -> RunRef:
    return RunRef.parse(asked.run, store)


def _whole(ref: RunRef, disks: Sequence[Disk]) -> Sequence[Record]:
    """The copy of whoever had the pen last."""
    copies = [disk.logs[ref] for disk in disks if ref in disk.logs]
    return max(copies, key=lambda log: (log[-1].epoch, len(log)))


def _folded(ref: RunRef, log: Sequence[Record], flows: Mapping[str, Flow]) -> Run:
    run = fold(ref, [record.event for record in log])
    return replace(run, flow=flows.get(run.digest or ""))


def _by_epoch(log: Sequence[Record]) -> dict[int, list[str]]:
    parts: dict[int, list[str]] = defaultdict(list)
    for record in log:
        parts[record.epoch].append(record.body)
    return parts


def _by_run(told: Sequence[Told]) -> dict[RunRef, list[Told]]:
    """What was told of each run, in the order in which the runs began."""
    parts: dict[RunRef, list[Told]] = defaultdict(list)
    for one in sorted(told, key=lambda t: t.begun):
        parts[one.key.run].append(one)
    return parts


def _names(keys: Iterable[Key]) -> list[str]:
    with suppress(TypeError):
        return sorted(f"{key.node}.{key.attempt}" for key in keys)
    return [str(key) for key in keys]
