"""Messages between this host's core and the other hosts.

Messages go out once their step is stored. Messages that arrive become inputs, with the facts that
the store has about them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from floe.feed.directory_sync import DirectorySync
from floe.host.child_news import unread
from floe.host.core import HostCore
from floe.host.earlier_children import has_unread, restarting
from floe.host.inputs import FLOOR_MAX, Incoming, LogRead, Received, Surroundings, Unsent
from floe.host.peers.facts import fact_of
from floe.host.step_result import StepResult
from floe.hub.children import children_left, children_read
from floe.hub.loop import Loop
from floe.model.errors import FloeError
from floe.model.ids import HostId, Instant, Json, ref_of
from floe.model.peer_message import Envelope, Message, Offer, Withdraw
from floe.peers.base import Hello, Peers, Seen
from floe.store.base import RunStore

ABOUT_S: Final = 1.0
"""Seconds between two observations of this host's own figures."""

LOGS_S: Final = 0.5
"""Seconds between two looks for logs that are to be read."""


class PeerGateway:
    """The hub's connection to the other hosts."""

    def __init__(self, core: HostCore, store: RunStore, peers: Peers, loop: Loop) -> None:
        self._core = core
        self._store = store
        self._peers = peers
        self._loop = loop
        self._about: Mapping[str, Json] = {}
        self._expected = core.site.settings.peers
        self._known: Surroundings | None = None
        """The surroundings that the core knows."""
        self._children_changed = asyncio.Event()

    def open(self, me: Hello, sync: DirectorySync) -> None:
        """Begin to send and to receive; `sync` gets each message first."""
        self._sync = sync
        runs = self._core.table.runs.values()
        sent = {(run.ref.key, run.epoch) for run in runs if run.phase == "granted"}
        self._peers.open(me, self.receive, self.unsent, sent)

    def works(
        self, about: Callable[[], Mapping[str, Json]], now: Callable[[], Instant]
    ) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """What watches or reads until cancelled, each with its name; see there for `about`."""
        yield "look at the other hosts", lambda: self.look_around(about)
        yield "reading of earlier child runs", self.read_children
        yield "reading of logs that move", lambda: self.read_logs(now)

    def send(self, host: HostId | None, message: Message) -> None:
        """Send a message that is in no step of the core, to one host or to all."""
        member = self._core.members.get(host) if host else None
        envelope = Envelope(
            from_host=self._core.site.id,
            from_store=self._core.site.store,
            to_host=host,
            to_store=member.store if member else None,
            message=message,
        )
        self._peers.send(envelope)

    def stored(self, decided: StepResult, last: int) -> None:
        """Send the messages of a step that is stored up to a position."""
        for envelope in decided.messages:
            self._peers.send(envelope)
        self._sync.stored(decided, last)
        is_again = self._core.table.restarts and may_change_children(decided)
        if is_again or self._core.site.child_rows:
            self._children_changed.set()

    def receive(self, envelope: Envelope) -> None:
        """Take a message that arrived.

        Without room in the inbox the message is dropped; its sender repeats it.
        """
        if not self._loop.is_full and not self._sync.receive(envelope):
            self._loop.put(Incoming(input=Received(envelope=envelope)))

    def unsent(self, envelope: Envelope) -> None:
        """An offer was never written to a socket and never will be."""
        message = envelope.message
        if isinstance(message, Offer) and (ref := ref_of(message.run)):
            self._loop.put(Incoming(input=Unsent(run=ref, epoch=message.epoch)))

    async def completed(self, inputs: Sequence[Incoming]) -> Sequence[Incoming]:
        """The inputs of a step, with what the store knows of the runs that they offer, and with
        the surroundings where those changed since the last step.

        The writer calls this between two appends: what is true then is true in the step.
        Raises StoreFailed.
        """
        if any(map(_is_offer_or_withdrawal, inputs)):
            inputs = [
                await self._with_floor(w) if _is_offer_or_withdrawal(w) else w for w in inputs
            ]
        if (now := self._surroundings()) == self._known:
            return inputs
        self._known = now
        return [Incoming(input=now), *inputs]

    async def look_around(self, about: Callable[[], Mapping[str, Json]]) -> None:
        """Observe, until cancelled, what the next step is to know: what pings report about this
        host to people, how many other hosts the configured URLs lead to, and whether the children
        of a parent that is to start again were never read.
        """
        while True:
            self._about = about()
            self._expected = others_at(self._peers.seen())
            now, known = self._surroundings(), self._known
            if known is None or _decisive(now) != _decisive(known):
                self._loop.look()
            if has_unread(self._core.site):
                self._children_changed.set()
            await asyncio.sleep(ABOUT_S)

    async def read_children(self) -> None:
        """Read children, until cancelled. Raises StoreFailed.

        For the parents that are to start again: which children of lost starts are left, once they
        wait, and whenever a step may have changed it. For judged parents that came here: all rows.
        """
        core, changed = self._core, self._children_changed
        changed.set()  # the last try may have failed
        while True:
            await changed.wait()
            changed.clear()
            gone, named = self._sync.forgotten, core.site.named
            for one in await children_left(restarting(core.site), self._store, gone, named):
                self._loop.put(one)
            for one in await children_read(unread(core.site), self._store):
                self._loop.put(one)

    async def read_logs(self, now: Callable[[], Instant]) -> None:
        """Read, until cancelled, the logs of runs that only wait here, for those that move and for
        their adopters. Raises StoreFailed.

        One log at a time is in the inbox: a log that waits there is still wanted.
        """
        core = self._core
        while True:
            for run in core.wanted_logs(now()):
                stored = await self._store.history(run)
                log = LogRead(facts=tuple(fact_of(one.record) for one in stored))
                with suppress(FloeError):  # then it is wanted again
                    await self._loop.ask(log, run)
            await asyncio.sleep(LOGS_S)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            about=self._about,
            head=self._sync.directory.head,
            has_gone_back=self._sync.has_gone_back,
            expected=self._expected,
        )

    async def _with_floor(self, incoming: Incoming) -> Incoming:
        received = incoming.input
        assert isinstance(received, Received)
        assert isinstance(received.envelope.message, Offer | Withdraw)
        ref = ref_of(received.envelope.message.run)
        if ref is None:
            return incoming
        floor: int | None = None
        is_known, row = await self._store.traces(ref, "floor")
        if is_known and ref not in self._core.table.runs:
            floor = FLOOR_MAX
        elif isinstance(row, int):
            floor = row
        return replace(incoming, input=replace(received, floor=floor))


def others_at(seen: Iterable[Seen]) -> int:
    """How many peers the gateway sees at the configured URLs; a silent URL counts as one."""
    urls = [one for one in seen if one.url and not one.is_self]
    return len({one.host or one.url for one in urls})


def may_change_children(decided: StepResult) -> bool:
    """Whether a step may change which children are left: it has a row of a child that a parent
    waits for, or forgets a store."""
    rows = (append.summary for append in decided.appends)
    is_row = any(row is not None and row.awaited for row in rows)
    return is_row or any(row.kind == "forgotten" for row in decided.ledger)


def _decisive(known: Surroundings) -> tuple[bool, int]:
    """The part that decisions depend on; the rest only goes out with the next ping."""
    return known.has_gone_back, known.expected


def _is_offer_or_withdrawal(incoming: Incoming) -> bool:
    received = incoming.input
    return isinstance(received, Received) and isinstance(
        received.envelope.message, Offer | Withdraw
    )
