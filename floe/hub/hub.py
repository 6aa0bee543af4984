"""The hub: a host's core, writer, hands, triggers and feed, and what others may ask of them."""

import asyncio
from collections.abc import Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import structlog

from floe.feed.feed import Feed
from floe.feed.names import RunNames
from floe.feed.upstream import Listeners, PeerFeeds
from floe.host.decided import Decided
from floe.host.forms import check_size, checked, data_node, open_form
from floe.host.inputs import Addressed, Drain, Forget, Free, Mark, Start, Word
from floe.hub.clock import Timers
from floe.hub.clock_set import follow_clock
from floe.hub.directory_sync import Lists
from floe.hub.effects import Acts
from floe.hub.flows import FlowBook, pulled
from floe.hub.history import History
from floe.hub.hosts import about, flow_of
from floe.hub.loop import Loop
from floe.hub.machine import Machine
from floe.hub.parts import Parts
from floe.hub.peer_gateway import Post
from floe.hub.problems import keep_logged
from floe.hub.start import core_of, triggers_of
from floe.hub.triggers import trigger_values
from floe.kernel.place import Refusals
from floe.kernel.why import why
from floe.model.effect import Effect, SetTimer
from floe.model.errors import ConfigInvalid, Conflict, NotFound
from floe.model.flow import TriggerType
from floe.model.host import HostView, Why
from floe.model.message import PROTOCOL, Message
from floe.model.refs import HostId, Json, Key, RunRef, StoreId
from floe.model.run import Run, Summary, summary_of
from floe.model.signal import Cancel, DataGiven
from floe.peers.base import Hello, Protocols
from floe.store.base import LedgerWrite, RunPage, RunQuery, Stored

log = structlog.get_logger()

CLOSE_S: Final = 10.0
"""Seconds that closing waits for what is in the inbox to be stored."""


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
        core = await core_of(self.host, self.store, self.clock, lambda ref: self.names.of(ref))
        self.loop = Loop(core, self.store, self.clock, self._stored, self._recall, self._completed)
        self.post = Post(core, self.store, parts.peers, self.loop) if parts.peers else None
        self.lists = Lists(self.store, self.clock, self.loop, self._send, self._spawn, self._reload)
        await self.lists.open()
        self.names = RunNames(self.host.id, self.store.store_id, self.lists.directory)
        self.feed = Feed(self.store, self.history.folded, self.names.of)
        self.feed.head = await self.store.head()
        others = PeerFeeds(parts.peers, self.others, self.host.id) if parts.peers else None
        self.listeners = Listeners(self.feed, self.lists.directory, others)
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
        self.machine = Machine(self, parts.places)
        refusal = self.machine.refusal
        self.triggers = await triggers_of(parts, core, self._spawn, self.loop.say, refusal)
        runs = await self.history.unfinished()
        return core.load(runs, await self.history.adopted(runs) if self.post else ())

    def _begin(self, owed: Sequence[Effect]) -> None:
        self.acts.resume(owed)
        self._spawn(self.loop.write())
        self._spawn(follow_clock(self))
        self._spawn(self.machine.watch())
        self._watch_triggers()
        if self.post:
            me = Hello(
                host=self.host.id,
                store=self.store.store_id,
                process=uuid4().hex,
                version=self.parts.version,
                protocols=Protocols(PROTOCOL, PROTOCOL),
            )
            self.post.open(me, self.lists)
            self._spawn(self.post.look_around(lambda: about(self)))
            self._spawn(keep_logged(self))
            self._spawn(self.lists.tell())
        log.info("hub.opened", runs=len(self.loop.core.table.runs), owed=len(owed))

    async def _end(self) -> None:
        self.triggers.close()
        self.timers.close()
        if self.parts.peers:
            await self.parts.peers.close()
        await self.loop.drain(CLOSE_S)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._tasks.create_task(work)
        self._children.add(task)
        task.add_done_callback(self._children.discard)

    def _cancel_children(self) -> None:
        for task in tuple(self._children):
            task.cancel()

    def _send(self, host: HostId | None, message: Message) -> None:
        if self.post:
            self.post.send(host, message)

    async def _completed(self, words: Sequence[Addressed]) -> Sequence[Addressed]:
        return await self.post.completed(words) if self.post else words

    def _watch_triggers(self) -> None:
        """Timers and polls are the keeper's alone."""
        is_keeper = self.post is None or self.host.keeper == self.host.id
        self.triggers.watch(self.book if is_keeper else replace(self.book, flows=()))

    async def _stored(self, decided: Decided, last: int) -> None:
        if decided.steps:
            self.feed.publish(last, decided.steps)
        if self.post:
            self.post.stored(decided, last)
        await self.acts.carry_out(decided.closed, decided.effects)

    async def _recall(self, refs: Collection[RunRef]) -> None:
        """Read runs again whose log is not what the core believed, and do what they owe."""
        for ref in refs:
            run = await self.history.folded(ref)
            self.acts.resume(self.loop.core.read_again(ref, run), sweep=False)
        self.feed.reset(await self.store.head())
        log.warning("runs.read_again", runs=[str(ref) for ref in refs])

    def _reload(self) -> None:
        self.feed.reset(self.feed.head)

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
        self.machine.check()
        found = flow_of(self, flow)
        chosen = pulled(found, trigger, kind)
        given = checked(chosen.form, values) if kind == "data" else dict(values)
        given = {**trigger_values(chosen.git), **given}
        check_size(given)
        start = Start(
            flow=found,
            digest=self.book.digest_of(found),
            trigger=chosen.id,
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
        name = self.names.of(at.ref)
        form = open_form(at, id := data_node(at, node), name)
        word = DataGiven(node=id, values=checked(form, values, complete=good), good=good, by=by)
        reply = await self.loop.ask(word, run=at.ref, once=once)
        if not reply.changed:
            raise Conflict(f"the form {id} of {name} is already answered")
        return await self.summary(at.ref)

    async def cancel(self, run: str, *, by: str, why: str = "", once: str = "") -> Summary:
        """End a run. Raises NotFound, Conflict where it is over already, Busy."""
        if known := await self._once(once):
            return known
        ref = self.ref(run)
        await self.summary(ref)
        reply = await self.loop.ask(Cancel(by=by, why=why), run=ref, once=once)
        if not reply.changed:
            raise Conflict(f"{self.names.of(ref)} is over or already being cancelled")
        return await self.summary(ref)

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
        self._watch_triggers()
        self.feed.announce({"type": "flows"})
        log.info("config.reloaded", flows=len(self.book.flows), path=self.book.path)
        return self.book

    async def drain(self, *, on: bool) -> None:
        """Take no new runs, or take them again; stays so over a restart."""
        await self.loop.ask(Drain(on=on))

    async def forget(self, host: HostId, store: StoreId | None = None, *, force: bool) -> None:
        """Give up a host and its store for good. Raises Conflict where that is refused."""
        await self._told(Forget(host=host, store=store, force=force))

    async def free(self, tag: str, run: RunRef) -> None:
        """Take a resource from the run that holds it; at the keeper. Raises Conflict."""
        await self._told(Free(tag=tag, run=run.key))

    async def _told(self, word: Word) -> None:
        reply = await self.loop.ask(word)
        if not reply.changed and reply.why:
            raise Conflict(reply.why)

    async def remember(self, kind: str, key: str, value: Json) -> None:
        """Keep a small row for the server (tokens, sessions); None deletes it."""
        await self.loop.ask(Mark(rows=(LedgerWrite(kind=kind, key=key, value=value),)))

    async def recall(self, kind: str) -> Mapping[str, Json]:
        """The rows of a kind by key."""
        return await self.store.ledger(kind)

    # --- looks ---

    def others(self) -> list[HostId]:
        """All other hosts that are known by name and not forgotten."""
        cluster = self.loop.core.cluster
        return [member.id for member in cluster.members.lives()] if cluster else []

    def ref(self, run: str) -> RunRef:
        """The run that a text names. Raises IdInvalid."""
        return self.names.ref(run)

    def lives(self) -> Iterator[Run]:
        """Every run that is not archived, as it is stored."""
        refs = dict.fromkeys((*self.loop.core.table.runs, *self.loop.storing))
        return filter(None, map(self._live, refs))

    async def runs(self, query: RunQuery) -> RunPage:
        """One page of runs, newest first."""
        return await self.store.runs(query)

    async def summary(self, ref: RunRef) -> Summary:
        """A run's row. Raises NotFound."""
        run = self._live(ref)
        if run is not None and not self.loop.core.table.is_note(run):
            return summary_of(run)
        if row := await self.store.find(ref):
            return row
        raise self._not_found(ref)

    async def run(self, run: str) -> Run:
        """A run, folded, with its flow where that was read. Raises IdInvalid, NotFound."""
        ref = self.ref(run)
        found = self._live(ref) or await self.history.run(ref)
        if found is None:
            raise self._not_found(ref)
        return found

    async def run_at(self, run: str, seq: int) -> Run:
        """A run as it was after one of its events, or as it is. Raises IdInvalid, NotFound."""
        ref = self.ref(run)
        found = await self.history.folded(ref, seq)
        if found is None:
            raise self._not_found(ref)
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
        pend = core.table.pends.get(at.ref)
        placed = core.place(pend, self.clock.now()) if pend else None
        refusals = placed if isinstance(placed, Refusals) else None
        queued = [key for key in self.acts.waiting() if key.run == at.ref]
        held, trouble = core.is_held_back(at), self.machine.reason()
        limit = self.acts.limit()
        fits = str(limit) if limit else ""
        return why(at, refusals, queued=queued, limit=fits, trouble=trouble, is_held_back=held)

    def view(self) -> HostView:
        """This host as placing sees it."""
        return self.loop.core.view()

    def output_path(self, key: Key) -> Path:
        """The file with an attempt's output; it may not exist."""
        return self.acts.output_path(key)

    def _not_found(self, ref: RunRef) -> NotFound:
        return NotFound(f"no run {self.names.of(ref)}", "floe runs lists them")

    def _live(self, ref: RunRef) -> Run | None:
        """A run as it is stored: a fact that the store has not taken yet may never be one."""
        runs = self.loop.core.table.runs
        return self.loop.storing.get(ref, runs.get(ref))

    # --- what is kept ---

    async def _once(self, key: str) -> Summary | None:
        stored = await self.store.row("once", key) if key else None
        return await self.summary(self.ref(stored)) if isinstance(stored, str) else None
