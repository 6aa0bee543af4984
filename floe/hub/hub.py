"""The hub: a host's core, writer, hands, triggers and feed, and what others may ask of them."""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import structlog

from floe.hub.acts import Acts, ActSettings
from floe.hub.clock import Clock, Timers
from floe.hub.core import HostSettings, HubCore
from floe.hub.decided import Decided
from floe.hub.feed import Feed
from floe.hub.flows import FlowBook, FlowFiles
from floe.hub.forms import check_size, checked
from floe.hub.history import History
from floe.hub.loop import Loop
from floe.hub.triggers import Triggers, trigger_values
from floe.hub.words import Addressed, Mark, Start
from floe.kernel.place import Refusals
from floe.kernel.why import why
from floe.model.effect import Effect, SetTimer
from floe.model.errors import ConfigInvalid, Conflict, NotFound
from floe.model.flow import Ask, Flow, Form, Trigger, TriggerType, Work
from floe.model.host import HostView, Why
from floe.model.refs import HostId, Json, Key, NodeId, RunRef
from floe.model.run import Run, Summary, summary_of
from floe.model.signal import Cancel, DataGiven
from floe.nodes.base import Executor, Refs
from floe.store.base import Batch, LedgerWrite, RunPage, RunQuery, RunStore, Stored

log = structlog.get_logger()

CLOSE_S: Final = 10.0
"""Seconds that closing waits for what is in the inbox to be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a hub is put together from; `app` chooses them."""

    host: HostSettings
    acts: ActSettings
    store: RunStore
    executors: Mapping[type[Work], Executor]
    refs: Refs
    flow_files: FlowFiles
    clock: Clock
    book: FlowBook
    read_book: Callable[[], Awaitable[FlowBook]]
    """Reads the config again. Raises ConfigInvalid."""


class Hub:
    """A host at work. Use as `async with`, from one task.

    Leaving it lets go of commands without stopping them: the next hub on the same root finds
    them again.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.host = parts.host
        self.store = parts.store
        self.clock = parts.clock
        self.book = parts.book
        self.started_at = parts.clock.now()
        self._children: set[asyncio.Task[None]] = set()
        self.history = History(parts.store, lambda id, ver: self.book.exact(id, ver))
        self._stack = AsyncExitStack()

    # --- life ---

    async def __aenter__(self) -> Self:
        """Open store and hands, read what is not archived, and go on with it.

        Raises World where that is impossible; nothing is left open then.
        """
        async with AsyncExitStack() as stack:
            await self.store.open()
            stack.push_async_callback(self.store.close)
            for executor in dict.fromkeys(self.parts.executors.values()):
                await executor.open()
                stack.push_async_callback(executor.close)
            owed = await self._read()
            self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(self._cancel_children)
            stack.push_async_callback(self._end)
            self._begin(owed)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _read(self) -> tuple[Effect, ...]:
        """Put together what works on the store; return what its runs owe."""
        parts = self.parts
        core = await self._core()
        self.loop = Loop(core, self.store, self.clock, self._stored, self._recall)
        self.feed = Feed(self.store, self.history.folded)
        self.feed.head = await self.store.head()
        self.timers = Timers(self.clock, self._timer_fired)
        self.acts = Acts(
            parts.acts,
            parts.executors,
            parts.flow_files,
            self.timers,
            self._spawn,
            self.clock,
            core.table.runs,
            self.loop.say,
        )
        marks = await self.store.ledger("mark")
        self.triggers = Triggers(self.clock, parts.refs, self._spawn, self.loop.say, marks)
        return core.load(await self.history.unfinished())

    def _begin(self, owed: Sequence[Effect]) -> None:
        self.acts.resume(owed)
        self._spawn(self.loop.write())
        self.triggers.watch(self.book)
        log.info("hub.opened", runs=len(self.loop.core.table.runs), owed=len(owed))

    async def _end(self) -> None:
        self.triggers.close()
        self.timers.close()
        await self.loop.drain(CLOSE_S)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._tasks.create_task(work)
        self._children.add(task)
        task.add_done_callback(self._children.discard)

    def _cancel_children(self) -> None:
        for task in tuple(self._children):
            task.cancel()

    def _stored(self, decided: Decided, last: int) -> None:
        if decided.steps:
            self.feed.publish(last, decided.steps)
        for effect in decided.closed:
            self.acts.close(effect)
        for effect in decided.effects:
            self.acts.perform(effect)

    async def _recall(self, refs: Collection[RunRef]) -> None:
        """Read runs again whose log is not what the core believed, and do what they owe."""
        for ref in refs:
            run = await self.history.folded(ref)
            self.acts.resume(self.loop.core.table.reload(ref, run), sweep=False)
        self.feed.reset(await self.store.head())
        log.warning("runs.read_again", runs=[str(ref) for ref in refs])

    def _timer_fired(self, key: object) -> None:
        assert isinstance(key, SetTimer)
        self.acts.fire(key)

    # --- acts ---

    async def trigger(
        self,
        flow: str,
        *,
        trigger: str = "",
        values: Mapping[str, Json],
        by: str,
        once: str = "",
        kind: TriggerType = "data",
    ) -> Summary:
        """Start a run by a data or push trigger; returns when it is on the disk.

        `flow` is `id` or `id@ver`; `trigger` an id, else the first of its kind. `once`: a second
        call with the same key is answered with the first one's run.
        Raises NotFound, ValuesInvalid, TooLarge, Busy, StoreFailed.
        """
        if known := await self._once(once):
            return known
        found = self.book.find(flow)
        pulled = _trigger(found, trigger, kind)
        given = checked(pulled.form, values) if kind == "data" else dict(values)
        given = {**trigger_values(pulled.git), **given}
        check_size(given)
        start = Start(
            flow=found,
            digest=self.book.digest_of(found),
            trigger=pulled.id,
            values=given,
            by=by,
            once=once,
        )
        reply = await self.loop.ask(start)
        assert reply.run is not None, "a start is answered with its run"
        return await self.summary(reply.run)

    async def give(
        self,
        run: str,
        node: str,
        values: Mapping[str, Json],
        *,
        good: bool = True,
        by: str,
        once: str = "",
    ) -> Summary:
        """Answer an open form. Raises NotFound, ValuesInvalid, TooLarge, Conflict, Busy."""
        if known := await self._once(once):
            return known
        at = await self.run(run)
        id = _data_node(at, node)
        form = _open_form(at, id)
        word = DataGiven(node=id, values=checked(form, values, complete=good), good=good, by=by)
        reply = await self.loop.ask(word, run=at.ref, once=once)
        if not reply.changed:
            raise Conflict(f"the form {id} of {at.ref} is already answered")
        return await self.summary(at.ref)

    async def cancel(self, run: str, *, by: str, why: str = "", once: str = "") -> Summary:
        """End a run. Raises NotFound, Conflict where it is over already, Busy."""
        if known := await self._once(once):
            return known
        at = await self.summary(self.ref(run))
        reply = await self.loop.ask(Cancel(by=by, why=why), run=self.ref(at.key), once=once)
        if not reply.changed:
            raise Conflict(f"{at.id} is over or already being cancelled")
        return await self.summary(self.ref(at.key))

    def cancel_nowait(self, run: str, *, by: str, why: str = "") -> None:
        """Ask for the end of a run without waiting for it; one that is over stays as it is."""
        self.loop.say(Addressed(word=Cancel(by=by, why=why), run=self.ref(run)))

    async def reload(self) -> FlowBook:
        """Read the config again.

        Raises ConfigInvalid; then the old flows stay, and show what is wrong with the new ones.
        """
        try:
            self.book = await self.parts.read_book()
        except ConfigInvalid as error:
            self.book = replace(self.book, findings=error.findings)
            self.feed.announce({"type": "flows"})
            raise
        self.triggers.watch(self.book)
        self.feed.announce({"type": "flows"})
        log.info("config.reloaded", flows=len(self.book.flows), path=self.book.path)
        return self.book

    async def remember(self, kind: str, key: str, value: Json) -> None:
        """Keep a small row for the server (tokens, sessions); None deletes it."""
        await self.loop.ask(Mark(rows=(LedgerWrite(kind=kind, key=key, value=value),)))

    async def recall(self, kind: str) -> Mapping[str, Json]:
        """The rows of a kind by key."""
        return await self.store.ledger(kind)

    # --- looks ---

    def ref(self, run: str) -> RunRef:
        """The run that a text names. Raises IdInvalid."""
        return RunRef.parse(run, self.store.store_id)

    def lives(self) -> Iterator[Run]:
        """Every run that is not archived, as it is stored."""
        return filter(None, map(self._live, tuple(self.loop.core.table.runs)))

    async def runs(self, query: RunQuery) -> RunPage:
        """One page of runs, newest first."""
        return await self.store.runs(query)

    async def summary(self, ref: RunRef) -> Summary:
        """A run's row. Raises NotFound."""
        if run := self._live(ref):
            return summary_of(run)
        if row := await self.store.find(ref):
            return row
        raise NotFound(f"no run {ref}", "floe runs lists them")

    async def whereabouts(self, ref: RunRef) -> HostId | None:
        """The host with a run's log; None for this one. Of an unknown run it is its adopter."""
        row = await self.store.find(ref)
        pen = row.host if row is not None and row.state != "pending" else None
        host = pen or ref.host
        return None if host == self.host.id else host

    async def run(self, run: str) -> Run:
        """A run, folded, with its flow where that was read. Raises IdInvalid, NotFound."""
        ref = self.ref(run)
        found = self._live(ref) or await self.history.run(ref)
        if found is None:
            raise NotFound(f"no run {run}", "floe runs lists them")
        return found

    async def run_at(self, run: str, seq: int) -> Run:
        """A run as it was after one of its events, or as it is. Raises IdInvalid, NotFound."""
        found = await self.history.folded(self.ref(run), seq)
        if found is None:
            raise NotFound(f"no run {run}", "floe runs lists them")
        return found

    async def events(self, run: str, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """A run's log after a sequence number. Raises NotFound."""
        ref = self.ref(run)
        await self.summary(ref)
        return await self.store.history(ref, after, limit)

    async def why(self, run: str) -> Why:
        """What a run waits for, or why it ended. Raises NotFound."""
        at = await self.run(run)
        core = self.loop.core
        refusals = None
        if pend := core.table.pends.get(at.ref):
            placed = core.place(pend, self.clock.now())
            refusals = placed if isinstance(placed, Refusals) else None
        queued = [key for key in self.acts.waiting() if key.run == at.ref]
        return why(at, refusals, queued=queued)

    def view(self) -> HostView:
        """This host as placing sees it."""
        return self.loop.core.view()

    def output_path(self, key: Key) -> Path:
        """The file with an attempt's output; it may not exist."""
        return self.acts.output_path(key)

    def _live(self, ref: RunRef) -> Run | None:
        """A run as it is stored: a fact that the store has not taken yet may never be one."""
        runs = self.loop.core.table.runs
        return self.loop.storing.get(ref, runs.get(ref))

    # --- what is kept ---

    async def _once(self, key: str) -> Summary | None:
        if not key:
            return None
        stored = await self.store.row("once", key)
        return await self.summary(self.ref(stored)) if isinstance(stored, str) else None

    async def _core(self) -> HubCore:
        serial = await self.store.row("serial", "run")
        fence = await self.store.row("keeper", "fence")
        term = await self.store.row("keeper", "term")
        if not isinstance(term, int):
            term = self.clock.now() // 1000
            row = LedgerWrite(kind="keeper", key="term", value=term)
            await self.store.append(Batch(ledger=(row,), promise=True))
        return HubCore(
            self.host,
            self.store.store_id,
            serial=serial if isinstance(serial, int) else 0,
            fence=fence if isinstance(fence, int) else 0,
            term=term,
        )


def _trigger(flow: Flow, id: str, kind: TriggerType) -> Trigger:
    of_kind = [t for t in flow.triggers if t.type == kind]
    for trigger in of_kind:
        if id in ("", trigger.id):
            return trigger
    names = ", ".join(t.id for t in of_kind) or "none"
    what = f"no {kind} trigger" + (f" {id!r}" if id else "")
    raise NotFound(f"flow {flow.id} has {what}", f"its {kind} triggers: {names}")


def _data_node(run: Run, node: str) -> NodeId:
    """A data node by id or by reference (`task.sign-off`). Raises NotFound."""
    id = NodeId(node.removeprefix("task."))
    found = run.flow.by_id.get(id) if run.flow else None
    if found is None or not isinstance(found.work, Ask):
        asks = [n.id for n in run.flow.nodes if isinstance(n.work, Ask)] if run.flow else []
        raise NotFound(
            f"{run.ref} has no data node {node!r}", f"it has {', '.join(asks) or 'none'}"
        )
    return id


def _open_form(run: Run, node: NodeId) -> Form:
    state = run.nodes.get(node)
    if state is None or state.phase != "asking" or not isinstance(state.work, Ask):
        word = "not open yet" if state is None and run.state != "archive" else "not open any more"
        raise Conflict(f"the form {node} of {run.ref} is {word}", f"floe why {run.ref} says more")
    return state.work.form
