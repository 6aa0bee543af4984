"""The life of a host: it connects its parts, continues what its store holds, and closes again.

Acts of callers are in `hub`, questions in `reads`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from typing import Final, Self

import structlog

from floe.feed.directory_sync import DirectorySync
from floe.feed.feed import Feed
from floe.feed.listeners import Listeners
from floe.feed.peer_feeds import PeerFeeds
from floe.feed.run_names import RunNames
from floe.host.inputs import Incoming, Mark
from floe.host.step_result import StepResult
from floe.hub.attempts.judgements import Judgements
from floe.hub.attempts.masked_inputs import SECRET, MaskedInputs
from floe.hub.children import Children
from floe.hub.clock import CHECK_S, Timers
from floe.hub.effects import Effects
from floe.hub.ended.archiving import Archiving
from floe.hub.ended.child_reruns import ChildReruns
from floe.hub.ended.output_copies import OutputCopies
from floe.hub.ended.pruning import Pruning
from floe.hub.flows import Flows
from floe.hub.history import History
from floe.hub.host_reads import keep_logged
from floe.hub.judged.people import People
from floe.hub.loop import Loop
from floe.hub.machine import Machine
from floe.hub.parts import Parts, core_of, hello_of, inbox_of, notices_of, triggers_of
from floe.hub.peer_gateway import PeerGateway
from floe.hub.reads import Reads
from floe.hub.resting.resting_runs import RestingRuns
from floe.hub.sealing.run_keys import RunKeys, hold_back, load_run_keys
from floe.hub.shared.shared_rows import SharedRows
from floe.model.effect import Effect
from floe.model.ids import HostId, RunRef, address_key
from floe.model.peer_message import Message
from floe.store.base import LedgerWrite
from floe.tasks import Tasks

log = structlog.get_logger()

CLOSE_S: Final = 10.0
"""Seconds that closing waits until the inbox is stored."""


class Life:
    """The connected parts of a host, from opening to closing. Use as `async with`, from one task.

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
        self._secrets = asyncio.Lock()
        """One change of the vault at a time."""
        self.history = History(parts.store, self.flows.exact)
        self._stack = AsyncExitStack()

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
            await stack.enter_async_context(self.parts.evaluators or nullcontext())
            owed = await self._read()
            await stack.enter_async_context(self._tasks)
            await self.notices.open()
            stack.push_async_callback(self._end)
            self._begin(owed)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _read(self) -> tuple[Effect, ...]:
        """Connect the parts that work on the store; return what its runs owe."""
        parts, store, clock, spawn = self.parts, self.store, self.clock, self._tasks.spawn
        if rows := await store.ledger(SECRET):
            await asyncio.to_thread(parts.secrets.open, rows, store.store_id)
        has = None if parts.places_without_secrets else parts.secrets.names()
        await load_run_keys(parts.seals, store, parts.book)
        own = replace(self.host, secrets=has)
        core = await core_of(own, store, clock, lambda ref: self.reads.name_of(ref), parts.seals)
        self.resting = resting = RestingRuns(core, self.history, parts.seals)
        inbox = (self._stored, self._recall, self._completed, resting.wake)
        self.loop = loop = Loop(core, store, clock, *inbox)
        self.gateway = PeerGateway(core, store, parts.peers, loop) if parts.peers else None
        self.shared = SharedRows(loop, clock)
        put, ask = loop.put, loop.ask
        self.run_keys = RunKeys(parts.seals, store, self.history, ask, self._recall)
        self.sync = DirectorySync(store, clock.now, put, ask, self._send, spawn, self._reload)
        await self.sync.open()
        names = RunNames(self.host.id, store.store_id, self.sync.directory)
        self.feed = Feed(store, self.history.folded, names.of, parts.host.row_readers)
        self.feed.head = await store.head()
        others: PeerFeeds | None = None
        if parts.peers:
            others = PeerFeeds(parts.peers, lambda: self.reads.others(), self.host.id)
        self.timers = Timers(clock, lambda key: self.effects.fire(key))
        self.masked = MaskedInputs(parts.attempts, parts.places, parts.secrets.masks, spawn, put)
        runs, files = core.table.runs.awake, parts.flow_files
        self.archiving: Archiving | None = None
        if parts.archive is not None:
            here, disk = address_key(self.host.id, store.store_id), parts.places
            copies = OutputCopies(
                parts.archive, parts.copies_bytes, parts.attempts, store, disk, runs, put, here
            )
            await copies.open()
            self.archiving = Archiving(parts.archive, copies, store, self.history)
        children = Children(
            self.flows,
            parts.refs,
            spawn,
            clock,
            runs,
            put,
            core.host_names,
            lambda run, by: self.child_reruns.start(run, by),
            names.of,
        )
        self.effects = Effects(
            parts.attempts,
            parts.executors,
            files,
            self.timers,
            spawn,
            clock,
            runs,
            self.masked,
            parts.places,
            children,
            Judgements(
                parts.evaluators,
                self.history.events,
                runs,
                self.masked,
                lambda dialect, flow, digest: self.inbox.around(dialect, flow, digest),
                parts.pass_limits,
            ),
            self.archiving,
        )
        self.machine = Machine(loop, self.effects, store, clock, parts.folders, parts.places)
        self.triggers = await triggers_of(parts, loop, spawn, self.masked, self.machine.refusal)
        self.notices = notices_of(
            parts, self.history, lambda *of: self.reads.output(*of), spawn, put, names.of
        )
        self.inbox = inbox_of(parts, core, ask, self.masked, clock, self.flows)
        self.pruning = Pruning(
            parts, store, loop, self.flows, clock, lambda: self.sync.forgotten, self.archiving
        )
        self.reads = Reads(
            parts=parts,
            started_at=clock.now(),
            flows=self.flows,
            loop=self.loop,
            feed=self.feed,
            effects=self.effects,
            machine=self.machine,
            pruning=self.pruning,
            tasks=self._tasks,
            archiving=self.archiving,
            history=self.history,
            sync=self.sync,
            names=names,
            listeners=Listeners(self.feed, self.sync.directory, others),
            triggers=self.triggers,
            starts_passed_over=core.site.passed_over,
            notices=self.notices,
        )
        self.child_reruns = ChildReruns(self.reads, parts.peers)
        self.people = People(loop, store, self.reads, self.masked, self.pruning, parts.evaluators)
        unfinished = await resting.unfinished()
        await hold_back(core.site, self.history, store)
        return core.load(unfinished, await self.history.adopted(unfinished) if self.gateway else ())

    def _begin(self, owed: Sequence[Effect]) -> None:
        self.effects.resume(owed, sweep=not self.history.unreadable)
        self.resting.set_timers(self.timers, self.clock)
        self.resting.stored([*self.loop.core.table.runs])
        self._tasks.spawn(self.loop.write())
        self._tasks.spawn(self._follow_clock())
        self.keep("checks of the machine", self.machine.watch)
        self.keep("removal of ended runs", self.pruning.watch)
        if self.archiving:
            self.keep("archive of ended runs", self.archiving.watch)
            self.keep("deletion of copied outputs", self.archiving.copies.watch)
        self.keep("look at the key file", self.run_keys.watch)
        self.keep("inbox of events", self.inbox.work)
        self.watch_triggers()
        if gateway := self.gateway:
            gateway.open(hello_of(self.parts), self.sync)
            for name, work in gateway.works(self.reads.about, self.clock.now):
                self.keep(name, work)
            self.keep("log of problems", lambda: keep_logged(self.reads.problems))
            self._tasks.spawn(self.sync.send_changes())
        runs = [*self.loop.core.table.refs()]
        log.info("hub.opened", runs=len(runs), asleep=len(self.resting), owed=len(owed))

    async def _end(self) -> None:
        self.triggers.close()
        self.timers.close()
        self.notices.close()
        if self.parts.peers:
            await self.parts.peers.close()
        await self.loop.drain(CLOSE_S)

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Start work that only watches or repeats, and begins again after an unforeseen error."""
        return self._tasks.keep(name, work)

    def _send(self, host: HostId | None, message: Message) -> None:
        if self.gateway:
            self.gateway.send(host, message)

    async def _completed(self, inputs: Sequence[Incoming]) -> Sequence[Incoming]:
        await self.resting.prepare(inputs)
        await self.run_keys.prepared(inputs)
        return await self.gateway.completed(inputs) if self.gateway else inputs

    def watch_triggers(self) -> None:
        """Arm timers and polls: only the keeper does."""
        book = self.flows.book
        is_keeper = self.gateway is None or self.host.keeper == self.host.id
        self.triggers.watch(book if is_keeper else replace(book, flows=()))

    async def _stored(self, decided: StepResult, last: int) -> None:
        if decided.recorded:
            self.feed.publish(last, decided.recorded)
        if decided.prunes:
            self.history.removed([RunRef.parse(one.key) for one in decided.prunes])
            self.parts.seals.forget([one.key for one in decided.prunes])
        if self.gateway:
            self.gateway.stored(decided, last)
        self.shared.stored(decided)
        for row in decided.notices:
            self.notices.take(row)
        if self.archiving:
            self.archiving.copies.packed(decided.ledger)
        await self.effects.carry_out(decided.closed, decided.effects)
        self.resting.stored(decided.before)

    async def _recall(self, refs: Collection[RunRef]) -> None:
        """Read runs again whose log is not what the core believed, and do what they owe."""
        for ref in refs:
            run, logs = await self.history.read_again(ref)
            self.effects.resume(self.loop.core.read_again(ref, run, logs), sweep=False)
        self.feed.reset(await self.store.head())
        log.warning("runs.read_again", runs=[str(ref) for ref in refs])

    def _reload(self) -> None:
        self.feed.reset(self.feed.head)

    # --- the wall clock ---

    async def _follow_clock(self) -> None:
        """Check every second whether the wall clock was set, until cancelled."""
        problem = ""
        while True:
            before, problem = problem, self.clock.problem()
            if problem and not before:
                log.warning("clock.jumped", problem=problem)
            # Between two batches: a timer that a batch decided on is set by then.
            self.loop.between(self._accept_clock)
            await asyncio.sleep(CHECK_S)

    def _accept_clock(self) -> None:
        """Where the wall clock was set, let everything stay due after the same time."""
        by_ms = self.clock.accept()
        if not by_ms:
            return
        log.warning("clock.set", by_s=by_ms / 1000)
        self.timers.move(by_ms)
        self.triggers.move(by_ms)
        self.notices.timers.move(by_ms)
        self.sync.directory.move(by_ms)
        self.loop.look()
        row = LedgerWrite(kind="clock", key="boot", value=self.clock.row())
        self.loop.put(Incoming(input=Mark(rows=(row,))))
