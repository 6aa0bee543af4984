"""What a host has besides its runs where it works with others: one part each, and their order.

Nothing here runs on a host that has no others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from floe.host import rows
from floe.host.inputs import Forget, Free, Heard, Surroundings, Unsent
from floe.host.leases.claims import Leases
from floe.host.leases.current_keeper import Obedience
from floe.host.leases.keeper import Keeper
from floe.host.leases.report import LeaseView
from floe.host.peers.adopter import Pen
from floe.host.peers.grantee import Taking, fact_of
from floe.host.peers.heartbeat import Presence
from floe.host.peers.lost import as_lost
from floe.host.peers.members import FORGET_AFTER_S, Member, Members
from floe.host.peers.outbox import Outbox
from floe.host.placement import Placing
from floe.host.rows import Journal, Undo
from floe.kernel.place import Refusals
from floe.model.event import RunEnded, RunPacked
from floe.model.host import Pend
from floe.model.message import (
    Accepted,
    Acquire,
    Behind,
    CancelRun,
    Census,
    Claims,
    Ended,
    EndedStored,
    Envelope,
    Fact,
    Forgotten,
    Held,
    HeldHeard,
    Message,
    NotMe,
    Offer,
    Ping,
    Queued,
    Refused,
    Release,
    Released,
    Rows,
    RowsAfter,
    Withdraw,
)
from floe.model.refs import HostId, Instant, RunRef, StoreId, place_key, place_of
from floe.model.run import Run
from floe.store.base import Append, Record, Stored

if TYPE_CHECKING:
    from floe.host.core import HubCore
    from floe.host.step import Draft


class Cluster:
    """The parts of a host that concern the others."""

    def __init__(self, core: "HubCore", stored: rows.Rows) -> None:
        self._core = core
        self._now = Instant(0)
        """Of the last step."""
        self.journal = Journal()
        self.presence = Presence(core, self.journal)
        self.members = Members(core, self.journal, stored)
        self.outbox = Outbox(self.journal)
        self.placing = Placing(core, self.journal)
        self.pen = Pen(core, self.journal, stored)
        self.taking = Taking(core, self.journal, stored)
        self.obedience = Obedience(core, self.journal, stored)
        self.leases = Leases(core, self.journal, stored)
        self.keeper = Keeper(core, self.journal, stored)
        self.view = LeaseView(core)

    @property
    def keeper_store(self) -> StoreId | None:
        """The store of the keeper that this host obeys, if it knows one."""
        return self.obedience.keeper_store

    def load(self, runs: Sequence[Run], logs: Iterable[Stored | Record]) -> None:
        """Go on after a start with what is on the disk."""
        facts: dict[RunRef, list[Fact]] = {}
        for item in logs:
            record = item.record if isinstance(item, Stored) else item
            facts.setdefault(record.run, []).append(fact_of(record))
        self.pen.load(runs, facts)
        self.taking.load()
        self.journal.take()

    def undo(self, undos: Sequence[Undo]) -> None:
        """Take back what changed, the newest first."""
        for undo in undos:
            undo()

    # --- words ---

    def hear(self, draft: "Draft", word: Heard | Unsent | Forget | Free | Surroundings) -> str:
        """Take a word in; return why it changed nothing, empty if it may have."""
        match word:
            case Heard(envelope=envelope, floor=floor):
                self._heard(draft, envelope, floor)
                return ""
            case Unsent(run=run, epoch=epoch):
                self.pen.unsent(draft, run, epoch)
                return ""
            case Forget():
                return self._forget(draft, word)
            case Free():
                return self.keeper.free(draft, word)
            case Surroundings():
                self.members.surroundings = word
                return ""
            case _:
                assert_never(word)

    def _forget(self, draft: "Draft", word: Forget) -> str:
        known = self.members.by_id.get(word.host)
        store = word.store or (known.store if known else None)
        if word.host == self._core.host.id and store in (None, self._core.store):
            return "a host does not forget itself; drain it, or stop it"
        if store is None:
            return f"no host {word.host} was ever heard here"
        gone = self.members.forgotten.get(place_key(word.host, store))
        if gone is not None and gone.expected == self.members.expected:
            return f"{word.host} with the store {store} is forgotten already"
        if known is not None and known.store == store and known.seen_at is not None:
            seen_s = (draft.now - known.seen_at) // 1000
            if seen_s < FORGET_AFTER_S and not word.force:
                return f"{word.host} was seen {seen_s} s ago; --force forgets it all the same"
        self._gone(draft, word.host, store, draft.now, told=True)
        return ""

    def _gone(
        self, draft: "Draft", host: HostId, store: StoreId, at: Instant, *, told: bool = False
    ) -> None:
        """A store is gone for good."""
        if not self.members.forget(draft, host, store, at, told=told):
            return
        if (host, store) == (self._core.host.id, self._core.store):
            self.taking.supersede(draft)
            return
        self.pen.lost(draft, host, store)
        self.taking.lost(draft, host, store)
        self.keeper.lost(draft, host, store)
        self.outbox.drop(host, store)

    def learned(self, rows: Iterable[Append]) -> list[Append]:
        """Rows that were heard, those of lost runs as over.

        Runs in the table stay as they are: what came with a backup the operator decides about.
        """
        forgotten, runs = dict(self.members.forgotten.items()), self._core.table.runs
        return [
            replace(row, summary=as_lost(row.summary, forgotten))
            if row.summary and row.run not in runs
            else row
            for row in rows
        ]

    # --- messages ---

    def deliver(self, draft: "Draft") -> None:
        """Handle what this host sent to itself, and what follows from it, in order."""
        while draft.to_self:
            self._take(draft, self.members.me, draft.to_self.popleft(), None)

    def _heard(self, draft: "Draft", envelope: Envelope, floor: int | None) -> None:
        core, message = self._core, envelope.message
        host, store = envelope.from_host, envelope.from_store
        if envelope.to_host not in (None, core.host.id) or (host, store) == (
            core.host.id,
            core.store,
        ):
            return
        is_answer = isinstance(message, NotMe | Forgotten)
        if envelope.to_store not in (None, core.store):
            if not is_answer:
                draft.send(host, store, NotMe(mine=core.store))
            return
        if self.members.is_known_gone(host, store):
            if not is_answer:
                draft.send(host, store, Forgotten())
            return
        member = self.members.heard(draft, envelope)
        if isinstance(message, Ping):
            for key in message.forgotten:
                self._gone(draft, *place_of(key), message.forgotten_at.get(key, draft.now))
            if self.members.is_known_gone(host, store):
                draft.send(host, store, Forgotten())
                return
        if isinstance(message, Forgotten) and envelope.to_store is None:
            return  # it names no store of this host
        if member is None:
            if host != core.host.id and not isinstance(message, Ping):
                self._take(draft, Member(id=host, store=store), message, floor)
            return
        self._take(draft, member, message, floor)
        self.outbox.hasten(host, draft.now)

    def _take(self, draft: "Draft", member: Member, message: Message, floor: int | None) -> None:
        match message:
            case Ping() as ping:
                self.placing.pinged(self.members.pinged(draft, member, ping))
            case NotMe():
                pass  # its other store is known by now
            case Forgotten():
                self._gone(draft, self._core.host.id, self._core.store, draft.now)
            case Offer() as message:
                self.taking.offered(draft, member, message, floor)
            case Withdraw() as message:
                self.taking.withdrawn(draft, member, message, floor)
            case CancelRun() as message:
                self.taking.cancelled(draft, member, message)
            case EndedStored() as message:
                self.taking.end_stored(draft, member, message)
            case Accepted() as message:
                self.pen.accepted(draft, member, message)
            case Refused() as message:
                self.pen.refused(draft, member, message)
            case Ended() as message:
                self.pen.ended(draft, member, message)
            case Held() as message:
                self.leases.held(draft, member, message)
            case Queued() as message:
                self.leases.queued(draft, member, message)
            case Released() as message:
                self.leases.released(draft, member, message)
            case Census() as message:
                self.obedience.census(draft, member, message)
            case Acquire() as message:
                self.keeper.asked(draft, member, message)
            case HeldHeard() as message:
                self.keeper.held_heard(draft, member, message)
            case Release() as message:
                self.keeper.released(draft, member, message)
            case Claims() as message:
                self.keeper.answered(draft, member, message)
            case Behind() as message:
                self.keeper.behind(draft, member, message)
            case Rows() | RowsAfter():
                pass  # the directory's
            case message:
                assert_never(message)

    # --- around a step ---

    def noted(self, draft: "Draft", record: Record, run: Run) -> None:
        """A fact was recorded here."""
        self.pen.noted(record, run)
        if isinstance(record.event, RunEnded):
            self.placing.over(run.ref)
            self.leases.over(draft, run)
            self.taking.over(draft, run)
        elif isinstance(record.event, RunPacked):
            self.taking.packed(run)

    def close(self, draft: "Draft") -> Instant:
        """Do what follows from all words of a step; return when to step again."""
        if draft.now < self._now:
            self.outbox.set_back(draft.now)
            self.members.set_back(draft.now)
        self._now = draft.now
        self.members.age(draft.now)
        self.keeper.tick(draft)
        self.deliver(draft)
        self.placing.dispatch(draft)
        dues: list[Instant | None] = [self.leases.tick(draft)]
        self.outbox.flush(draft)
        dues += [self.presence.ping(draft), self.outbox.next_due]
        dues.append(self.keeper.next_due(draft.now))
        return min(due for due in dues if due is not None)

    def place(self, pend: Pend, now: Instant) -> HostId | Refusals:
        """Where a pend would go at this moment, or why nowhere."""
        placed = self.placing.place(pend, self.placing.views(now), now)
        if isinstance(placed, Refusals):
            return placed
        return self.view.verdict(pend, placed, now)
