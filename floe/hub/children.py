"""Carries out what nodes with child runs owe: finds the flow of a child, and cancels children."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Container,
    Coroutine,
    Mapping,
    Sequence,
)
from dataclasses import replace
from typing import Final

import structlog

from floe.host.inputs import Child, ChildrenLeft, ChildrenRead, Incoming, Start
from floe.host.peers.whereabouts import holder_of, pen_of
from floe.hub.clock import Clock
from floe.hub.flows import Flows, flow_start, flow_start_values, flow_trigger
from floe.kernel.children import awaits_child, cancel_of
from floe.kernel.children_again import child_again
from floe.kernel.open_children import children_of
from floe.model.children import SubFlow
from floe.model.effect import PendChild, StopChild
from floe.model.errors import FloeError, NotFound
from floe.model.ids import HostId, Key, RunRef
from floe.model.run import Run, State
from floe.model.signal import Failed, Reported
from floe.model.summary import Summary
from floe.model.template import data_of
from floe.nodes.base import Refs
from floe.store.base import RunQuery, RunStore

log = structlog.get_logger()

REQUESTS_MAX: Final = 8
"""Re-runs of children that are prepared at once: a host with their logs has other work, too."""

PAGE: Final = 500
"""Rows of living children that are read at once."""


class Children:
    """Pends and cancels the child runs of the runs of a host."""

    def __init__(
        self,
        flows: Flows,
        refs: Refs,
        spawn: Callable[[Coroutine[object, object, None]], None],
        clock: Clock,
        runs: Mapping[RunRef, Run],
        put: Callable[[Incoming], None],
        hosts: Callable[[], Collection[HostId]],
        rerun: Callable[[str, str], Awaitable[Start]],
        named: Callable[[RunRef], str],
    ) -> None:
        """`hosts` returns the names of all hosts; empty while some never sent a message. `rerun`
        prepares the re-run of an ended child for a person, as in `child_reruns`."""
        self._flows = flows
        self._refs = refs
        self._spawn = spawn
        self._clock = clock
        self._runs = runs
        self._put = put
        self._hosts = hosts
        self._rerun = rerun
        self._named = named
        self._requests = asyncio.Semaphore(REQUESTS_MAX)

    def perform(self, effect: PendChild | StopChild) -> None:
        """Begin an effect. Idempotent."""
        key = effect.key
        if isinstance(effect, PendChild):
            self._spawn(self._pend(key))
        elif run := self._runs.get(key.run):
            self._put(Incoming(input=cancel_of(run, key), run=RunRef.parse(effect.run)))

    async def _pend(self, key: Key) -> None:
        run = self._runs.get(key.run)
        work = awaits_child(run, key) if run else None
        if run is None or work is None:
            return
        try:
            child = await self._child(run, key, work)
        except Exception as error:  # the executor's border: one bad node never stops a host
            if not isinstance(error, FloeError):
                log.exception("child.not_pended", run=str(key.run), node=key.node)
            failed = Failed(cause="start", why=str(error))
            report = Reported(key=key, report=failed, at=self._clock.now())
            self._put(Incoming(input=report, run=key.run))
            return
        self._put(Incoming(input=child))

    async def _child(self, run: Run, key: Key, work: SubFlow) -> Child:
        """The child of an attempt: a re-run of an earlier child if that can be read, else a new
        one. Raises FloeError."""
        known, host = self._hosts(), HostId(data_of(work.host))
        if host and known and host not in known:
            raise NotFound(f"no host {host}: the cluster has {', '.join(sorted(known))}")
        why_new = ""
        if again := child_again(run, key):
            try:
                async with self._requests:
                    start = await self._rerun(again, run.by)
                return Child(key=key, start=replace(start, only=host or None))
            except FloeError as error:
                name = self._named(RunRef.parse(again))
                why_new = f"nothing of {name} is taken over: {error.what}"
                log.warning("child.new", run=str(run.ref), node=key.node, why=why_new)
        start = replace(await self._start(run, work), only=host or None)
        return Child(key=key, start=start, why_new=why_new)

    async def _start(self, run: Run, work: SubFlow) -> Start:
        """The start of a new child, as a person would start it. Raises FloeError."""
        book = self._flows.book
        flow = book.find(work.flow)
        trigger = flow_trigger(flow, "", "data")
        values = await flow_start_values(trigger, work.values, self._refs)
        return flow_start(book, flow, trigger, values, by=run.by, once="")


async def places_of_children(
    run: Run, store: RunStore, named: Callable[[RunRef], str]
) -> Mapping[str, str]:
    """By key, the names of the child runs that a run waits for, with where each is."""
    places: dict[str, str] = {}
    for key in children_of(run):
        ref = RunRef.parse(key)
        row = await store.find(ref)
        places[key] = f"{named(ref)}, {_place(row)}"
    return places


def _place(row: Summary | None) -> str:
    """Where a child run is, for people."""
    is_active = row is not None and row.state == "active"
    return f"active on {row.host}" if row and is_active else "which waits for a host"


async def children_left(
    parents: Mapping[RunRef, ChildrenLeft],
    store: RunStore,
    forgotten: Container[str],
    named: Callable[[RunRef], str],
) -> list[Incoming]:
    """The living children of parents that start again, read for the core. `forgotten`: stores, as
    `h2@k3f9`. Raises StoreFailed."""
    return [
        Incoming(
            input=replace(unread, names=await _names_left(ref, store, forgotten, named)), run=ref
        )
        for ref, unread in parents.items()
    ]


async def children_read(parents: Sequence[RunRef], store: RunStore) -> list[Incoming]:
    """The children of judged runs that came here, read for the core. Raises StoreFailed."""
    found: list[Incoming] = []
    for ref in parents:
        rows = [row async for row in _rows_of(ref, store, frozenset({"active", "archive"}))]
        found.append(Incoming(input=ChildrenRead(rows=tuple(rows)), run=ref))
    return found


async def _names_left(
    parent: RunRef, store: RunStore, forgotten: Container[str], named: Callable[[RunRef], str]
) -> tuple[str, ...]:
    """What a parent waits for: the end of each of its living children."""
    living = frozenset[State]({"pending", "active"})
    return tuple(
        [
            f"the end of {named(RunRef.parse(row.key))}, a child of its lost start, {_place(row)}"
            async for row in _rows_of(parent, store, living)
            if _is_left(row, forgotten)
        ]
    )


async def _rows_of(
    parent: RunRef, store: RunStore, states: frozenset[State]
) -> AsyncIterator[Summary]:
    query = RunQuery(parent=parent.key, states=states, limit=PAGE)
    while True:
        page = await store.runs(query)
        for row in page.runs:
            yield row
        if not page.next:
            return
        query = replace(query, cursor=page.next)


def _is_left(row: Summary, forgotten: Container[str]) -> bool:
    """Whether a host still has a child that its parent waited for."""
    return row.awaited and holder_of(row) not in forgotten and pen_of(row) not in forgotten
