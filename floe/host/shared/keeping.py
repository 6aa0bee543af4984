"""The shared rows at the keeper: it writes them, and sends them to all hosts.

A keeper with a new term first collects the copies of all hosts, so that a keeper that lost its
store deletes nothing. It sends rows to no host whose copy it has not collected.
"""

from typing import Final

from floe.host.inputs import CatchUp, WriteRow
from floe.host.leases.census import CENSUS
from floe.host.leases.keeper import Keeper
from floe.host.ledger import LedgerRows
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.shared.base import (
    SINCE,
    SharedMessage,
    answer,
    is_reply,
    next_round,
    page_of,
    write_row,
)
from floe.host.shared.table import SharedTable
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.ids import HostId, Instant, address_key
from floe.model.nouns import dataclass
from floe.model.peer_message import (
    Census,
    Claims,
)
from floe.model.shared_message import (
    SharedPage,
    SharedSince,
    SharedWritten,
    WriteShared,
)
from floe.model.shared_row import RowOrigin, SharedRow, covers, sequence_of

COPIED: Final = "shared-copied"
"""The kind of the ledger rows about the hosts whose copies were collected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The part of a host's copy that the keeper has collected."""

    asked: SharedSince
    rows: tuple[SharedRow, ...] = ()


class SharedKeeping:
    """Writes the shared rows of a cluster."""

    def __init__(
        self,
        site: Site,
        table: SharedTable,
        members: Members,
        outbox: Outbox,
        keeper: Keeper,
        rows: LedgerRows,
    ) -> None:
        self._site = site
        self._table = table
        self._members = members
        self._outbox = outbox
        self._keeper = keeper
        self._copied: Undoable[str, int] = Undoable(site.journal)
        """Hosts (`h2@store`) and the term in which their copies were collected."""
        self._collected: Undoable[str, Collected] = Undoable(site.journal)
        self._round: Undoable[str, int] = Undoable(site.journal)
        for key, term in rows.get(COPIED, {}).items():
            if isinstance(term, int):
                self._copied.put(key, term)

    @property
    def keeper(self) -> HostId:
        """This host."""
        return self._site.id

    def problem(self) -> str:
        """Why nothing is written or sent now; empty if it may be."""
        if problem := self._keeper.problem():
            return problem
        if self._is_open or not (missing := self._missing()):
            return ""
        names = ", ".join(member.id for member in missing)
        return f"it collects the shared rows of all hosts: {names} has not sent its copy"

    def take(self, step: Step, request: WriteRow | CatchUp, ticket: int) -> None:
        """Handle a request of this host."""
        if problem := self.problem():
            answer(step, ticket, 0, f"does not write now: {problem}", is_away=True)
        elif isinstance(request, CatchUp):
            answer(step, ticket, self._table.state.number, "")
        else:
            self._open(step)
            answer(step, ticket, *write_row(step, self._table, request))

    def receive(self, step: Step, member: Member, message: SharedMessage) -> None:
        """Handle a message of a peer."""
        match message:
            case Claims():
                self._counted(step, member, message)
            case WriteShared():
                self._write(step, member, message)
            case SharedSince():
                self._send(step, member, message)
            case SharedPage():
                self._collect(step, member, message)
            case _:
                pass

    def tick(self, step: Step) -> None:
        """Ask every host for its copy, and open once all are collected."""
        if not self._keeper.census.is_begun:
            return
        for member in self._missing():
            if not self._is_collecting(member):
                census = Census(opening=self._term)
                self._outbox.send(step, member.id, member.store, CENSUS, "", census)
        if self._table.state.number and not self._is_open and not self.problem():
            self._open(step)

    def advertised(self) -> tuple[int, int]:
        """The term and the last number; zeros before it is open."""
        return (self._term, self._table.state.number) if self._is_open else (0, 0)

    def age(self, now: Instant) -> str:
        """They are never old."""
        return ""

    def lags(self, now: Instant) -> bool:
        """They never lag."""
        return False

    # --- messages ---

    def _write(self, step: Step, member: Member, message: WriteShared) -> None:
        number, why, problem = 0, "", self.problem()
        if problem:
            why = f"does not write now: {problem}"
        else:
            self._open(step)
            if message.sequence == self._table.state.sequence:
                number, why = write_row(step, self._table, message)
            else:
                why = problem = f"has not sent its rows to {member.id} yet"
        written = SharedWritten(
            request=message.request,
            term=self._term,
            number=number,
            why=why,
            is_closed=bool(problem),
        )
        step.send(member.id, member.store, written)

    def _send(self, step: Step, member: Member, message: SharedSince) -> None:
        if message.term != self._term:
            return
        problem = self.problem()
        if not problem and not self._has_copied(member):
            problem = f"it collects the copy of {member.id} first"
        if problem:
            page = SharedPage(
                term=self._term,
                round=message.round,
                asked=message.after,
                after=0,
                upto=0,
                why=f"sends no rows now: {problem}",
            )
            step.send(member.id, member.store, page)
            return
        self._open(step)
        state = self._table.state
        is_next = message.sequence == state.sequence and (
            state.floor <= message.after <= state.number
        )
        step.send(
            member.id,
            member.store,
            page_of(self._table, message, message.after if is_next else 0),
        )

    # --- collecting copies ---

    def _counted(self, step: Step, member: Member, message: Claims) -> None:
        """A host reports what its copy contains: collect it if the copy here lacks any of it."""
        if message.opening != self._term or not self._keeper.census.is_begun:
            return
        position = self._table.state.position
        origins = [RowOrigin(sequence=s, number=n) for s, n in message.shared.items()]
        if all(covers(position, origin) for origin in origins):
            self._note_copied(step, member)
        elif not self._is_collecting(member):
            self._ask(step, member, 0, ())

    def _ask(self, step: Step, member: Member, after: int, rows: tuple[SharedRow, ...]) -> None:
        number = next_round(self._round, step)
        asked = SharedSince(term=self._term, after=after, round=number)
        self._collected.put(_key(member), Collected(asked=asked, rows=rows))
        self._outbox.send(step, member.id, member.store, SINCE, "", asked)

    def _collect(self, step: Step, member: Member, message: SharedPage) -> None:
        known = self._collected.get(_key(member))
        if known is None or not is_reply(message, known.asked, self._term):
            return
        rows = (*known.rows, *message.rows)
        if message.more:
            self._ask(step, member, message.upto, rows)
            return
        self._outbox.done(member.id, SINCE, "")
        self._begin(step)
        self._table.merge(step, rows, message.seen)
        self._note_copied(step, member)

    def _note_copied(self, step: Step, member: Member) -> None:
        self._collected.put(_key(member), None)
        self._outbox.done(member.id, CENSUS, "")
        if self._copied.put(_key(member), self._term):
            step.keep(COPIED, _key(member), self._term)

    def _missing(self) -> list[Member]:
        return [member for member in self._members.lives() if not self._has_copied(member)]

    def _is_collecting(self, member: Member) -> bool:
        known = self._collected.get(_key(member))
        return known is not None and known.asked.term == self._term

    def _has_copied(self, member: Member) -> bool:
        return self._copied.get(_key(member)) == self._term

    # --- the sequence ---

    @property
    def _term(self) -> int:
        return self._keeper.census.term

    @property
    def _sequence(self) -> str:
        return sequence_of(self._site.store, self._term)

    @property
    def _is_open(self) -> bool:
        state = self._table.state
        return state.is_open and state.sequence == self._sequence

    def _begin(self, step: Step) -> None:
        if self._table.state.sequence != self._sequence:
            self._table.begin(step, self._sequence)

    def _open(self, step: Step) -> None:
        self._begin(step)
        if not self._is_open:
            self._table.open(step)


def _key(member: Member) -> str:
    return address_key(member.id, member.store)
