"""The shared rows at every host but the keeper: it copies them, and sends writes to the keeper.

Once a host follows a new keeper, it takes nothing more from an earlier one.
"""

from dataclasses import replace
from typing import Final

from floe.host.inputs import CatchUp, WriteRow
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.peers.member import Member
from floe.host.peers.outbox import Outbox
from floe.host.shared.base import (
    SINCE,
    WRITE,
    SharedMessage,
    answer,
    is_reply,
    next_round,
    page_of,
)
from floe.host.shared.table import CopyState, SharedTable
from floe.host.step import Step
from floe.host.undoable import Undoable, UndoJournal
from floe.kernel.place import HOST_STALE_S
from floe.model.ids import HostId, Instant
from floe.model.nouns import dataclass
from floe.model.peer_message import (
    Ping,
)
from floe.model.shared_message import (
    SharedPage,
    SharedSince,
    SharedWritten,
    WriteShared,
)
from floe.model.shared_row import SharedRow, sequence_of

WAIT_MS: Final = 5000
"""A request that the keeper has not answered within this time fails."""

AWAY: Final = "does not answer; nothing changes until it is back"

UNSURE: Final = f"did not answer within {WAIT_MS // 1000} s; it may have made the change"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCaller:
    """A caller that waits for the keeper."""

    ticket: int
    since: Instant
    round: int = 0
    """The exchange whose end it waits for; 0 while its write is not answered."""
    why: str = ""
    """Why the keeper does nothing now, by its last reply."""


class SharedCopying:
    """Copies the keeper's rows."""

    def __init__(
        self,
        keeper: HostId,
        table: SharedTable,
        current_keeper: CurrentKeeper,
        outbox: Outbox,
        journal: UndoJournal,
    ) -> None:
        self._host = keeper
        self._table = table
        self._current_keeper = current_keeper
        self._outbox = outbox
        self._asked: Undoable[str, SharedSince] = Undoable(journal)
        """The request of the present exchange."""
        self._round: Undoable[str, int] = Undoable(journal)
        self._staged: Undoable[str, tuple[SharedRow, ...]] = Undoable(journal)
        """The part of a whole copy that has arrived."""
        self._advertised: Undoable[str, tuple[str, int]] = Undoable(journal)
        """The sequence and the last number of the keeper, by its last ping."""
        self._seen_at: Undoable[str, Instant] = Undoable(journal)
        """When the keeper last sent a ping; no value for not since this host started."""
        self._lags_since: Undoable[str, Instant] = Undoable(journal)
        """Since when the copy may lack what was written while no ping came; 0 for since this host
        started, no value while it lacks nothing of that."""
        self._lags_since.put("", Instant(0))
        self._writes: Undoable[str, WaitingCaller] = Undoable(journal)
        """By request."""
        self._waits: Undoable[int, WaitingCaller] = Undoable(journal)
        """Callers that wait for an exchange, by ticket."""

    @property
    def keeper(self) -> HostId:
        """The host that the config names."""
        return self._host

    def take(self, step: Step, request: WriteRow | CatchUp, ticket: int) -> None:
        """Send a write, or request the newest rows; the reply comes in a later step."""
        if self._is_away(step.now) or not self._sequence:
            answer(step, ticket, 0, AWAY, is_away=True)
        elif isinstance(request, CatchUp):
            self._wait(step, WaitingCaller(ticket=ticket, since=step.now))
        else:
            state = self._table.state
            self._writes.put(request.request, WaitingCaller(ticket=ticket, since=step.now))
            write = WriteShared(
                request=request.request,
                sequence=state.sequence if state.number else self._sequence,
                name=request.name,
                value=request.value,
                by=request.by,
                expected=request.expected,
            )
            self._outbox.send(step, self._host, None, WRITE, request.request, write)

    def receive(self, step: Step, member: Member, message: SharedMessage) -> None:
        """Handle a message; only those of the present keeper count."""
        if member.id == self._host:
            if self._seen_at.get("") is not None and self._is_away(step.now):
                self._lags_since.put("", step.now)
            self._seen_at.put("", step.now)
        if (member.id, member.store) != (self._host, self._current_keeper.keeper_store):
            return
        match message:
            case Ping():
                self._pinged(step, member, message)
            case SharedWritten():
                self._written(step, member, message)
            case SharedPage():
                self._take_page(step, member, message)
            case SharedSince() if self._current_keeper.is_believed(member, message.term):
                page = page_of(self._table, message, message.after)
                step.send(member.id, member.store, page)
            case _:
                pass

    def tick(self, step: Step) -> Instant | None:
        """Fail the callers that have waited long enough; return when the next one has."""
        asked = self._asked.get("")
        if asked is not None and asked.term != self._current_keeper.term_seen:
            self._begin(step)
        if self._lags_since.get("") == 0:
            self._lags_since.put("", step.now)
        is_away, dues = self._is_away(step.now), list[Instant]()
        for request, waiting in self._writes.items():
            if is_away or self._is_late(waiting, step.now):
                self._outbox.done(self._host, WRITE, request)
                self._writes.put(request, None)
                answer(step, waiting.ticket, 0, waiting.why or UNSURE, is_away=True)
            else:
                dues.append(Instant(waiting.since + WAIT_MS))
        for ticket, waiting in self._waits.items():
            if is_away or self._is_late(waiting, step.now):
                self._waits.put(ticket, None)
                answer(step, ticket, 0, waiting.why or UNSURE, is_away=True)
            else:
                dues.append(Instant(waiting.since + WAIT_MS))
        return min(dues, default=None)

    def advertised(self) -> tuple[int, int]:
        """Nothing: only the keeper's numbers count."""
        return 0, 0

    def age(self, now: Instant) -> str:
        """Since when the keeper has not answered; empty while it does."""
        if not self._is_away(now):
            return ""
        seen_at = self._seen_at.get("")
        if seen_at is None:
            return f"{self._host} has sent no message since this host started"
        return f"{self._host} was not seen for {(now - seen_at) // 1000} s"

    def lags(self, now: Instant) -> bool:
        """Until its copy has what the keeper's first ping reports. A keeper that keeps silent, or
        sends nothing, is waited for as long as it takes to call it away."""
        since = self._lags_since.get("")
        return since is not None and (not since or 0 <= now - since < HOST_STALE_S * 1000)

    # --- messages ---

    def _pinged(self, step: Step, member: Member, ping: Ping) -> None:
        if self._current_keeper.is_believed(member, ping.shared_term):
            sequence = sequence_of(member.store, ping.shared_term)
            self._advertised.put("", (sequence, ping.shared_number))
            if not self._is_behind:
                self._lags_since.put("", None)
            elif "" not in self._asked:
                self._begin(step)

    def _written(self, step: Step, member: Member, message: SharedWritten) -> None:
        waiting = self._writes.get(message.request)
        if waiting is None or not self._current_keeper.is_believed(member, message.term):
            return
        if message.is_closed:  # the request is repeated: a keeper that starts opens soon
            self._writes.put(message.request, replace(waiting, why=message.why))
            return
        self._outbox.done(self._host, WRITE, message.request)
        self._writes.put(message.request, None)
        if message.why:
            answer(step, waiting.ticket, 0, message.why)
        else:
            self._wait(step, waiting)

    def _take_page(self, step: Step, member: Member, page: SharedPage) -> None:
        asked = self._asked.get("")
        if asked is None or not is_reply(page, asked, self._current_keeper.term_seen):
            return
        if page.why:  # the request is repeated, see above
            for ticket, waiting in self._waits.items():
                self._waits.put(ticket, replace(waiting, why=page.why))
            return
        sequence = sequence_of(member.store, page.term)
        self._keep(step, page, sequence)
        if page.more:
            self._ask(step, replace(asked, sequence=sequence, after=page.upto))
            return
        self._end(step)
        for ticket, waiting in self._waits.items():
            if waiting.round <= asked.round:
                self._waits.put(ticket, None)
                answer(step, ticket, self._table.state.number, "")
        if len(self._waits) or self._is_behind:
            self._begin(step)

    def _keep(self, step: Step, page: SharedPage, sequence: str) -> None:
        seen = {key: number for key, number in page.seen.items() if key != sequence}
        state = CopyState(sequence=sequence, number=page.upto, floor=page.floor, seen=seen)
        staged = self._staged.get("")
        if page.after and staged is None:
            if page.more:  # it has not everything yet that the keeper's copy contains
                state = replace(state, seen=self._table.state.seen)
            self._table.extend(step, page.rows, state)
            return
        rows = (*(staged or () if page.after else ()), *page.rows)
        self._staged.put("", rows if page.more else None)
        if not page.more:
            self._table.replace(step, rows, state)

    # --- exchanges ---

    @property
    def _is_behind(self) -> bool:
        state, advertised = self._table.state, self._advertised.get("")
        if advertised is None or advertised[0] != self._sequence:
            return False
        return advertised[0] != state.sequence or advertised[1] > state.number

    @property
    def _sequence(self) -> str:
        store = self._current_keeper.keeper_store
        return sequence_of(store, self._current_keeper.term_seen) if store else ""

    def _wait(self, step: Step, waiting: WaitingCaller) -> None:
        """Let a caller wait for an exchange that has not begun yet."""
        last = self._round.get("") or 0
        self._waits.put(waiting.ticket, replace(waiting, round=last + 1))
        if "" not in self._asked:
            self._begin(step)

    def _begin(self, step: Step) -> None:
        self._staged.put("", None)
        state = self._table.state
        asked = SharedSince(
            term=self._current_keeper.term_seen,
            sequence=state.sequence,
            after=state.number,
            round=next_round(self._round, step),
        )
        self._ask(step, asked)

    def _ask(self, step: Step, asked: SharedSince) -> None:
        self._asked.put("", asked)
        store = self._current_keeper.keeper_store
        self._outbox.send(step, self._host, store, SINCE, "", asked)

    def _end(self, step: Step) -> None:
        self._outbox.done(self._host, SINCE, "")
        self._asked.put("", None)
        self._staged.put("", None)
        self._lags_since.put("", None)

    def _is_away(self, now: Instant) -> bool:
        seen_at = self._seen_at.get("")
        return seen_at is None or not 0 <= now - seen_at < HOST_STALE_S * 1000

    def _is_late(self, waiting: WaitingCaller, now: Instant) -> bool:
        return not 0 <= now - waiting.since < WAIT_MS
