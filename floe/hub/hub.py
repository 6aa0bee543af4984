"""The hub: a host at work, with the acts that callers may ask for. Questions are in `reads`."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final, NamedTuple, Self

import structlog

from floe.feed.directory_sync import DirectorySync
from floe.feed.feed import Feed
from floe.feed.names import RunNames
from floe.feed.upstream import Listeners, PeerFeeds
from floe.host.forms import answered
from floe.host.inputs import Drain, Forget, Free, Incoming, Input, Mark
from floe.host.result import StepResult
from floe.hub.clock import Timers
from floe.hub.clock_set import follow_clock
from floe.hub.effects import Effects
from floe.hub.flows import FlowBook, Flows, start_of
from floe.hub.history import History
from floe.hub.hosts import keep_logged
from floe.hub.loop import Loop
from floe.hub.machine import Machine
from floe.hub.parts import Parts, Tasks, core_of, hello_of, triggers_of
from floe.hub.peer_gateway import PeerGateway
from floe.hub.reads import Reads
from floe.model.effect import Effect
from floe.model.errors import ConfigInvalid, Conflict
from floe.model.flow import TriggerType
from floe.model.message import Message
from floe.model.refs import HostId, Json, RunRef, StoreId
from floe.model.run import Summary
from floe.model.signal import Cancel
from floe.store.base import LedgerWrite

log = structlog.get_logger()

CLOSE_S: Final = 10.0
"""Seconds that closing waits until the inbox is stored."""


class Done(NamedTuple):
    """The answer to an act on a run."""

    row: Summary
    """Of the run, after the act."""
    is_known: bool = False
    """An earlier call with the same key did it."""

    @property
    def id(self) -> str:
        """Of the run."""
        return self.row.id


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
        self.flows = Flows(parts.book, parts.read_book)
        self._tasks = Tasks()
        self.history = History(parts.store, self.flows.exact)
        self._stack = AsyncExitStack()

    # --- life ---

    async def __aenter__(self) -> Self:
        """Open the store and the executors, read the runs that are not archived, and continue them.

        Raises World where that is impossible; then nothing is left open.
        """
        async with AsyncExitStack() as stack:
            await self.store.open()
            stack.push_async_callback(self.store.close)
            for executor in dict.fromkeys(self.parts.executors.values()):
                await executor.open()
                stack.push_async_callback(executor.close)
            owed = await self._read()
            await stack.enter_async_context(self._tasks)
            stack.push_async_callback(self._end)
            self._begin(owed)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _read(self) -> tuple[Effect, ...]:
        """Connect the parts that work on the store; return what its runs owe."""
        parts, store, clock, spawn = self.parts, self.store, self.clock, self._tasks.spawn
        core = await core_of(self.host, store, clock, lambda ref: self.reads.name_of(ref))
        self.loop = loop = Loop(core, store, clock, self._stored, self._recall, self._completed)
        self.gateway = PeerGateway(core, store, parts.peers, loop) if parts.peers else None
        put, ask = loop.put, loop.ask
        self.sync = DirectorySync(store, clock.now, put, ask, self._send, spawn, self._reload)
        await self.sync.open()
        names = RunNames(self.host.id, store.store_id, self.sync.directory)
        self.feed = Feed(store, self.history.folded, names.of)
        self.feed.head = await store.head()
        others: PeerFeeds | None = None
        if parts.peers:
            others = PeerFeeds(parts.peers, lambda: self.reads.others(), self.host.id)
        self.timers = Timers(clock, lambda key: self.effects.fire(key))
        runs, files = core.table.runs, parts.flow_files
        self.effects = Effects(
            parts.attempts, parts.executors, files, self.timers, spawn, clock, runs, put
        )
        self.machine = Machine(loop, self.effects, store, clock, parts.folders)
        self.triggers = await triggers_of(parts, core, spawn, put, self.machine.refusal)
        self.reads = Reads(
            parts=parts,
            started_at=clock.now(),
            flows=self.flows,
            loop=self.loop,
            feed=self.feed,
            effects=self.effects,
            machine=self.machine,
            history=self.history,
            sync=self.sync,
            names=names,
            listeners=Listeners(self.feed, self.sync.directory, others),
            triggers=self.triggers,
        )
        unfinished = await self.history.unfinished()
        return core.load(unfinished, await self.history.adopted(unfinished) if self.gateway else ())

    def _begin(self, owed: Sequence[Effect]) -> None:
        self.effects.resume(owed)
        self._tasks.spawn(self.loop.write())
        self._tasks.spawn(follow_clock(self.clock, self.loop, self._move))
        self._tasks.spawn(self.machine.watch())
        self._watch_triggers()
        if self.gateway:
            self.gateway.open(hello_of(self.parts), self.sync)
            self._tasks.spawn(self.gateway.look_around(self.reads.about))
            self._tasks.spawn(keep_logged(lambda: self.reads.fleet().problems()))
            self._tasks.spawn(self.sync.send_changes())
        log.info("hub.opened", runs=len(self.loop.core.table.runs), owed=len(owed))

    async def _end(self) -> None:
        self.triggers.close()
        self.timers.close()
        if self.parts.peers:
            await self.parts.peers.close()
        await self.loop.drain(CLOSE_S)

    def _send(self, host: HostId | None, message: Message) -> None:
        if self.gateway:
            self.gateway.send(host, message)

    async def _completed(self, inputs: Sequence[Incoming]) -> Sequence[Incoming]:
        return await self.gateway.completed(inputs) if self.gateway else inputs

    def _move(self, by_ms: int) -> None:
        """The clock was set by so much."""
        self.timers.move(by_ms)
        self.triggers.move(by_ms)
        self.sync.directory.move(by_ms)

    def _watch_triggers(self) -> None:
        """Arm timers and polls: only the keeper does."""
        book = self.flows.book
        is_keeper = self.gateway is None or self.host.keeper == self.host.id
        self.triggers.watch(book if is_keeper else replace(book, flows=()))

    async def _stored(self, decided: StepResult, last: int) -> None:
        if decided.recorded:
            self.feed.publish(last, decided.recorded)
        if self.gateway:
            self.gateway.stored(decided, last)
        await self.effects.carry_out(decided.closed, decided.effects)

    async def _recall(self, refs: Collection[RunRef]) -> None:
        """Read runs again whose log is not what the core believed, and do what they owe."""
        for ref in refs:
            run = await self.history.folded(ref)
            self.effects.resume(self.loop.core.read_again(ref, run), sweep=False)
        self.feed.reset(await self.store.head())
        log.warning("runs.read_again", runs=[str(ref) for ref in refs])

    def _reload(self) -> None:
        self.feed.reset(self.feed.head)

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
    ) -> Done:
        """Start a run by a data or push trigger; returns when it is on the disk.

        `flow` is `id` or `id@ver`; `trigger` an id, else the first of its kind. `once`: a second
        call with the same key is answered with the first one's run.
        Raises NotFound, ValuesInvalid, TooLarge, Busy, StoreFailed.
        """
        if known := await self._once(once):
            return known
        self.machine.check()
        start = start_of(
            self.flows.book, self.reads.flow(flow), kind, trigger, values, by=by, once=once
        )
        reply = await self.loop.ask(start)
        assert reply.run is not None, "a start is answered with its run"
        return Done(await self.reads.summary(reply.run), is_known=not reply.changed)

    async def give(
        self,
        run: str,
        node: str,
        values: Mapping[str, Json],
        *,
        good: bool = True,
        visit: int = 0,
        by: str,
        once: str = "",
    ) -> Done:
        """Answer an open form. Raises NotFound, ValuesInvalid, TooLarge, Conflict, Busy."""
        if known := await self._once(once):
            return known
        at = await self.reads.run(run)
        name = self.reads.name_of(at.ref)
        answer = answered(at, node, name, values, good=good, visit=visit, by=by)
        reply = await self.loop.ask(answer, run=at.ref, once=once)
        if not reply.changed:
            raise Conflict(f"the form {answer.node} of {name} is already answered")
        return Done(await self.reads.summary(at.ref))

    async def cancel(self, run: str, *, by: str, why: str = "", once: str = "") -> Done:
        """End a run. Raises NotFound, Conflict where it is over already, Busy."""
        if known := await self._once(once):
            return known
        ref = self.reads.ref(run)
        await self.reads.summary(ref)
        reply = await self.loop.ask(Cancel(by=by, why=why), run=ref, once=once)
        if not reply.changed:
            raise Conflict(f"{self.reads.name_of(ref)} is over or already being cancelled")
        return Done(await self.reads.summary(ref))

    def cancel_nowait(self, run: str, *, by: str, why: str = "") -> None:
        """Request the end of a run without waiting for it; one that is over stays as it is."""
        self.loop.put(Incoming(input=Cancel(by=by, why=why), run=self.reads.ref(run)))

    async def reload(self) -> FlowBook:
        """Read the config again.

        Raises ConfigInvalid; then the old flows stay, with the findings of the new config.
        """
        try:
            book = await self.flows.reload()
        except ConfigInvalid:
            self.feed.announce({"type": "flows"})
            raise
        self._watch_triggers()
        self.feed.announce({"type": "flows"})
        log.info("config.reloaded", flows=len(book.flows), path=book.path)
        return book

    async def drain(self, *, on: bool) -> None:
        """Take no new runs, or take them again; stays so over a restart."""
        await self.loop.ask(Drain(on=on))

    async def forget(self, host: HostId, store: StoreId | None = None, *, force: bool) -> None:
        """Give up a host and its store permanently. Raises Conflict where that is refused."""
        await self._ask(Forget(host=host, store=store, force=force))

    async def free(self, tag: str, run: RunRef) -> None:
        """Take a resource from the run that holds it; at the keeper. Raises Conflict."""
        await self._ask(Free(tag=tag, run=run.key))

    async def _ask(self, request: Input) -> None:
        reply = await self.loop.ask(request)
        if not reply.changed and reply.why:
            raise Conflict(reply.why)

    async def remember(self, kind: str, key: str, value: Json) -> None:
        """Keep a small row for the server (tokens, sessions); None deletes it."""
        await self.loop.ask(Mark(rows=(LedgerWrite(kind=kind, key=key, value=value),)))

    async def _once(self, key: str) -> Done | None:
        """The answer to an earlier call with the same key."""
        stored = await self.store.row("once", key) if key else None
        if not isinstance(stored, str):
            return None
        return Done(await self.reads.summary(self.reads.ref(stored)), is_known=True)
