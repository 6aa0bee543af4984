"""Keeps the directory in step with the store and with the other hosts.

Rows that arrive go to the host's one writer, rows that changed are sent to the other hosts, and a
host that missed rows gets them from the store.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Final

import structlog

from floe.feed.directory import KIND, ROWS_MAX, Directory, DirectorySource, Learned, offered
from floe.host.inputs import Incoming, Input, Mark, Reply
from floe.host.peers.forgotten_stores import ForgottenStore, forgotten_in
from floe.host.peers.lost import is_lost
from floe.host.peers.whereabouts import adopter_of, holder_of
from floe.host.step_result import StepResult
from floe.model.errors import FloeError
from floe.model.ids import HostId, Instant, RunRef, address_of
from floe.model.peer_message import Envelope, Message, Ping, Rows, RowsAfter
from floe.model.run import Pruned
from floe.model.summary import Summary
from floe.store.base import Append, LedgerWrite, RunQuery, RunStore

log = structlog.get_logger()

GONE_BACK: Final = "gone-back"
"""Rows of the ledger: a store's id to a position that other hosts know, but the store does not."""

SEND_S: Final = 0.05
"""Seconds between two messages with changed rows, so that a busy host sends many at once."""


class DirectorySync:
    """The directory of a host at work."""

    def __init__(
        self,
        store: RunStore,
        now: Callable[[], Instant],
        put: Callable[[Incoming], None],
        ask: Callable[[Input], Awaitable[Reply]],
        send: Callable[[HostId | None, Message], None],
        spawn: Callable[[Coroutine[object, object, None]], None],
        reload: Callable[[], None],
    ) -> None:
        """`put` passes an input to the writer; `ask` also waits until its effect is stored.

        `send` sends a message to one host or to all; `reload` is called when runs are over
        without an event in the feed.
        """
        self.directory = Directory(sent=0)
        self._store = store
        self._now = now
        self._put = put
        self._ask = ask
        self._send = send
        self._spawn = spawn
        self._reload = reload
        self.forgotten: dict[str, ForgottenStore] = {}
        """All stores that were forgotten, as `h2@k3f9`."""
        self._news = asyncio.Event()
        self._unkept: deque[tuple[DirectorySource, Learned]] = deque()
        """What waits for a look at the rows here, in the order in which it arrived."""
        self._unsent: list[Summary | Pruned] = []
        """Own rows that changed since the last promise: a power failure may still undo them."""
        self.has_gone_back = False
        """Whether other hosts know later events of this store than it has."""

    async def open(self) -> None:
        """Load the state that the store keeps. The store must be open."""
        self.forgotten = forgotten_in(await self._store.ledger("forgotten"))
        self.directory = Directory(sent=await self._store.head())
        self.directory.load(await self._store.ledger(KIND), await self._store.ledger("member"))
        went_back_at = await self._store.row(GONE_BACK, self._store.store_id)
        self.has_gone_back = went_back_at is not None

    def stored(self, decided: StepResult, last: int) -> None:
        """Note the changed rows of a batch that is stored up to a position.

        Other hosts receive only rows that are on the disk. A store that has less later was restored
        from a backup.
        """
        changed = [append for append in decided.appends if append.records]
        self._unsent += [append.summary for append in changed if append.summary]
        self._unsent += decided.removals
        if self._unsent and decided.promise:
            self.directory.changed(last, self._unsent)
            self._unsent.clear()
            self._news.set()
        self.directory.outdone(decided.rows)
        if forgotten := {row.key: row.value for row in decided.ledger if row.kind == "forgotten"}:
            self.forgotten |= forgotten_in(forgotten)
            self._spawn(self._end_lost())

    def receive(self, envelope: Envelope) -> bool:
        """Take a message of another host; return whether it concerns the directory alone."""
        now = self._now()
        source = DirectorySource(envelope.from_host, envelope.from_store)
        match envelope.message:
            case Rows() as rows:
                try:
                    learned = self.directory.receive(source, rows, now)
                    if str(source) in self.forgotten:  # a run that it removed went on elsewhere
                        learned = replace(learned, prunes=())
                    self._learn(source, learned)
                except FloeError as error:
                    log.warning("directory.unreadable", host=source.host, error=str(error))
                return True
            case RowsAfter(after=after):
                self.directory.saw(source, now)
                if envelope.to_store == self._store.store_id and not self._was_given(after):
                    self._go_back(after)
                self._spawn(self._answer(source.host, after))
                return True
            case Ping(about=about):
                head = about.get("head")
                known = head if isinstance(head, int) else None
                self._learn(source, self.directory.saw(source, now, known))
                return False
            case _:
                self.directory.saw(source, now)
                return False

    async def send_changes(self) -> None:
        """Send changed rows as they change, until cancelled."""
        await self._end_lost()  # an earlier process may have ended before it
        while True:
            await self._news.wait()
            self._news.clear()
            if news := self.directory.news():
                self._send(None, news)
            await asyncio.sleep(SEND_S)

    def _learn(self, source: DirectorySource, learned: Learned) -> None:
        if self._unkept or learned.prunes:  # a mark is stored after all that is before it
            self._unkept.append((source, learned))
            if len(self._unkept) == 1:
                self._spawn(self._keep_all())
        else:
            self._keep(learned)
        if learned.ask:
            self._send(source.host, learned.ask)

    def _keep(self, learned: Learned) -> None:
        if learned.marks:
            mark = Mark(
                rows=learned.marks,
                appends=learned.appends,
                prunes=learned.prunes,
                promise=bool(learned.prunes),
            )
            self._put(Incoming(input=mark))

    async def _keep_all(self) -> None:
        """Keep what waits, without the removals that leave the runs as they are here."""
        try:
            while self._unkept:
                _, learned = self._unkept[0]
                prunes = [one for one in learned.prunes if not await self._is_left(one)]
                self._keep(replace(learned, prunes=tuple(prunes)))
                self._unkept.popleft()
        except FloeError as error:
            log.warning("directory.not_kept", error=str(error))
            for source, _ in self._unkept:
                self.directory.doubt(source)
            self._unkept.clear()

    async def _is_left(self, pruned: Pruned) -> bool:
        row = await self._store.find(RunRef.parse(pruned.key))
        return row is not None and pruned.leaves(row.epoch)

    async def _end_lost(self) -> None:
        """End the runs that were lost with forgotten stores.

        Offering their rows again is enough: the step stores them as over. The adopters know the
        state of the other runs. An adopter that learned an end from the forgotten store has no
        event for it, so all its rows are requested.
        """
        query = RunQuery(states=frozenset({"pending", "active"}), limit=ROWS_MAX)
        lost: list[Append] = []
        try:
            while self.forgotten:
                page = await self._store.runs(query)
                for row in page.runs:
                    if is_lost(row, self.forgotten):
                        lost.append(offered(row))
                    elif holder_of(row) in self.forgotten:
                        self.directory.doubt(DirectorySource(*address_of(adopter_of(row))))
                if not page.next:
                    break
                query = replace(query, cursor=page.next)
            if lost:
                await self._ask(Mark(rows=(), appends=tuple(lost), promise=False))
                self._reload()
        except FloeError as error:
            log.warning("directory.lost_not_ended", error=str(error))

    async def _answer(self, host: HostId, after: int) -> None:
        head = self.directory.head  # first: rows that change during the read are sent later
        try:
            changes = await self._store.changes(after, ROWS_MAX)
        except FloeError as error:
            log.warning("directory.unanswered", host=host, error=str(error))
            return
        self._send(host, self.directory.page(after, head, changes))

    def _was_given(self, pos: int) -> bool:
        return pos <= self.directory.head and pos not in self._store.skipped

    def _go_back(self, after: int) -> None:
        """A host knows this store up to a position that the store does not have."""
        if not self.has_gone_back:
            self.has_gone_back = True
            row = LedgerWrite(kind=GONE_BACK, key=self._store.store_id, value=after)
            self._put(Incoming(input=Mark(rows=(row,))))
