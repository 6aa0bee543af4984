"""Rules of shared rows that are left out on purpose: each has an invariant that notices."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.shared import base as base_module
from floe.host.shared import copying as copying_module
from floe.host.shared import table as table_module
from floe.host.shared.copying import SharedCopying, WaitingCaller
from floe.host.shared.keeping import SharedKeeping
from floe.host.shared.table import CopyState, SharedTable
from floe.host.step import Step
from floe.model.shared_message import SharedPage, SharedSince
from floe.model.shared_row import Seen, SharedRow

Patch = tuple[Any, str, Any]


def _none_missing(self: SharedKeeping) -> list[Any]:
    return []


def _always(*_: object) -> bool:
    return True


def _never(*_: object) -> bool:
    return False


def _no_problem(self: SharedKeeping) -> str:
    return ""


def _nothing(*_: object) -> None:
    pass


def _higher_number(other: SharedRow, mine: SharedRow | None, seen: Seen, position: Seen) -> bool:
    return mine is None or other.number > mine.number


def _of_any_round(message: SharedPage, asked: SharedSince, term: int) -> bool:
    return (message.term, message.asked) == (asked.term, asked.after) and asked.term == term


def _answer_at_once(self: SharedCopying, step: Step, waiting: WaitingCaller) -> None:
    base_module.answer(step, waiting.ticket, self._table.state.number, "")


def _add_only(self: SharedTable, step: Step, rows: Iterable[SharedRow], state: CopyState) -> None:
    for row in rows:
        self._put(step, row.name, row)
    self._put_state(step, state)


def _state_without_floor(self: SharedTable) -> CopyState:
    state = self._state.get("") or CopyState()
    return CopyState(
        sequence=state.sequence,
        number=state.number,
        floor=0,
        seen=state.seen,
        is_open=state.is_open,
    )


def _position_without_seen(self: CopyState) -> Mapping[str, int]:
    return {self.sequence: self.number} if self.number else {}


BUGS: Final[Mapping[str, tuple[Patch, ...]]] = {
    "new-keeper-opens-at-once": ((SharedKeeping, "_missing", _none_missing),),
    "closed-keeper-writes": ((SharedKeeping, "problem", _no_problem),),
    "rows-go-to-hosts-with-rows-of-their-own": (
        (SharedKeeping, "_missing", _none_missing),
        (SharedKeeping, "_has_copied", _always),
    ),
    "any-keeper-is-believed": (
        (CurrentKeeper, "is_believed", _always),
        (copying_module, "is_reply", _of_any_round),
    ),
    "higher-number-wins": ((table_module, "_is_later", _higher_number),),
    "deletions-are-not-inferred": ((table_module, "covers", _never),),
    "requests-are-not-remembered": ((SharedTable, "remember", _nothing),),
    "reply-of-any-round": ((copying_module, "is_reply", _of_any_round),),
    "answer-before-the-copy": ((SharedCopying, "_wait", _answer_at_once),),
    "whole-copy-adds-only": ((SharedTable, "replace", _add_only),),
    "forgotten-deletions-are-not-noted": ((SharedTable, "state", property(_state_without_floor)),),
    "earlier-sequences-are-not-noted": ((CopyState, "position", property(_position_without_seen)),),
    "collected-hosts-are-not-noted": ((SharedKeeping, "_note_copied", _nothing),),
}
"""By what is wrong, what is replaced."""
