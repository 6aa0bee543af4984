"""The port through which a host writes and copies shared rows, and the rule of a write."""

from typing import Final, Protocol

from floe.host.inputs import CatchUp, Reply, WriteRow
from floe.host.peers.member import Member
from floe.host.shared.table import SharedTable
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.ids import HostId, Instant
from floe.model.peer_message import (
    Claims,
    Ping,
)
from floe.model.shared_message import (
    SharedPage,
    SharedSince,
    SharedWritten,
    WriteShared,
)
from floe.model.shared_row import ROWS_MAX, row_fault

SharedMessage = WriteShared | SharedWritten | SharedSince | SharedPage | Claims | Ping
"""Messages that concern shared rows."""

SINCE: Final = "shared"
"""A kind of messages in the outbox: SharedSince."""

WRITE: Final = "write"
"""A kind of messages in the outbox: WriteShared."""


class Sharing(Protocol):
    """The port for shared rows: the keeper, a host that copies them, or a host on its own."""

    @property
    def keeper(self) -> HostId:
        """The host that writes the rows."""

    def take(self, step: Step, request: WriteRow | CatchUp, ticket: int) -> None:
        """Handle a request; its reply may come in a later step."""

    def receive(self, step: Step, member: Member, message: SharedMessage) -> None:
        """Handle a message of a peer."""

    def tick(self, step: Step) -> Instant | None:
        """Do what is due; return when to look again, None for never."""

    def advertised(self) -> tuple[int, int]:
        """The keeper's term and its last number, for pings; zeros for none."""

    def age(self, now: Instant) -> str:
        """Why the rows here may be old, as a sentence; empty while they cannot be."""

    def lags(self, now: Instant) -> bool:
        """Whether rows may be missing here that a caller of a different host knows of, and that are
        about to come: this host started, or the keeper answers again after a silence."""


def write_row(step: Step, table: SharedTable, request: WriteRow | WriteShared) -> tuple[int, str]:
    """Write a row at the keeper; return its number, or 0 and why it is not written."""
    name, (kind, key) = request.name, request.name
    if (known := table.answered(request.request)) is not None:
        return known, ""
    if fault := row_fault(*name, request.value):
        return 0, fault
    old = table.get(*name)
    number = old.number if old else 0
    is_new = old is None or old.value is None
    if request.expected not in (None, number):
        return 0, f"{kind} {key} has changed in the meantime"
    if request.value is not None and is_new and table.count >= ROWS_MAX:
        return 0, f"the cluster has {ROWS_MAX} shared rows, the most that it may have"
    if old is None or old.value is not None or request.value is not None:
        number = table.write(step, name, request.value, request.by)
    table.remember(step, request.request, number)
    return number, ""


def answer(step: Step, ticket: int, number: int, why: str, *, is_away: bool = False) -> None:
    """Reply to the caller of a request."""
    step.replies.append(
        Reply(ticket=ticket, run=None, changed=not why, why=why, number=number, is_away=is_away)
    )


def next_round(last: Undoable[str, int], step: Step) -> int:
    """The number of a new exchange: above all before it, also those of earlier processes."""
    number = max(step.now, (last.get("") or 0) + 1)
    last.put("", number)
    return number


def is_reply(message: SharedPage, asked: SharedSince, term: int) -> bool:
    """Whether a page answers a request, and both are of the present keeper."""
    reply = (message.term, message.round, message.asked)
    return reply == (asked.term, asked.round, asked.after) and asked.term == term


def page_of(table: SharedTable, asked: SharedSince, after: int) -> SharedPage:
    """The rows of a copy after a number, as a reply."""
    state = table.state
    rows, upto = table.page(after)
    return SharedPage(
        term=asked.term,
        round=asked.round,
        asked=asked.after,
        after=after,
        upto=upto,
        rows=rows,
        more=upto < state.number,
        floor=state.floor,
        seen=state.position,
    )
