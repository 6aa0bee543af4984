"""The copy of the shared rows that this host has; at the keeper it is the original.

A copy is a prefix of the keeper's sequence: for each kind and key the last write up to a number.
Every change is a row of the ledger that is stored before anyone can learn of it.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Final

from floe.host.ledger import LedgerRows
from floe.host.step import Step
from floe.host.undoable import Undoable, UndoJournal
from floe.model.codec import decode, encode, to_text
from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.shared_row import (
    DELETED_MAX,
    Name,
    RowOrigin,
    Seen,
    SharedRow,
    covers,
    term_of,
)

SHARED: Final = "shared"
"""The kind of the ledger rows with shared rows, by kind and key."""

SHARED_STATE: Final = "shared-state"
"""The kind of the ledger row about the copy."""

SHARED_REQUEST: Final = "shared-request"
"""The kind of the keeper's ledger rows about answered requests: the number that each got."""

REQUESTS_MAX: Final = 1000
"""Requests whose answers the keeper remembers; the oldest are forgotten first."""

PAGE_ROWS: Final = 500
PAGE_BYTES: Final = 4 * 1024 * 1024
"""A page of rows ends after so many of either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyState:
    """The state of a copy of the shared rows."""

    sequence: str = ""
    """The keeper's; empty before the first."""
    number: int = 0
    """The last write in it."""
    floor: int = 0
    """The last deletion that is not remembered any more."""
    seen: Seen = field(default_factory=dict)
    """Of earlier sequences."""
    is_open: bool = False
    """At the keeper: whether all copies of earlier sequences are in this one."""

    @property
    def position(self) -> Seen:
        """What the copy contains, of this and of earlier sequences."""
        return {**self.seen, self.sequence: self.number} if self.number else self.seen


class SharedTable:
    """The shared rows by kind and key, and by number."""

    def __init__(self, rows: LedgerRows, journal: UndoJournal) -> None:
        self._journal = journal
        self._rows: dict[Name, SharedRow] = {}
        self._names: dict[int, Name] = {}
        self._numbers: list[int] = []
        self._deleted: list[int] = []
        """The numbers of deleted rows."""
        self._state: Undoable[str, CopyState] = Undoable(journal)
        self._answered: Undoable[str, int] = Undoable(journal)
        for shape in rows.get(SHARED, {}).values():
            if isinstance(shape, Mapping):
                row = decode(SharedRow, shape)
                self._set(row.name, row)
        state = rows.get(SHARED_STATE, {}).get("copy")
        if isinstance(state, Mapping):
            self._state.put("", decode(CopyState, state))
        answered = [(n, k) for k, n in rows.get(SHARED_REQUEST, {}).items() if isinstance(n, int)]
        for number, request in sorted(answered):
            self._answered.put(request, number)
        journal.take()  # what was read is no change of a step

    # --- questions ---

    @property
    def state(self) -> CopyState:
        """The state of this copy."""
        return self._state.get("") or CopyState()

    @property
    def number(self) -> int:
        """The number of the last write in this copy."""
        return self.state.number

    @property
    def count(self) -> int:
        """The number of rows with a value."""
        return len(self._rows) - len(self._deleted)

    def get(self, kind: str, key: str) -> SharedRow | None:
        """A row, also a deleted one; None if this copy has none."""
        return self._rows.get((kind, key))

    def of_kind(self, kind: str) -> list[SharedRow]:
        """The rows of a kind that have a value, in the order in which they were written."""
        return [row for row in self._all() if row.kind == kind and row.value is not None]

    def deleted(self, kind: str) -> list[str]:
        """The keys of the deleted rows of a kind that are remembered, the oldest deletion first."""
        names = [self._names[number] for number in self._deleted]
        return [key for of, key in names if of == kind]

    def answered(self, request: str) -> int | None:
        """The number that a request got; None if it is not known."""
        return self._answered.get(request)

    def page(self, after: int) -> tuple[tuple[SharedRow, ...], int]:
        """The rows after a number, oldest first, and the number that a copy with them has reached.

        At most `PAGE_ROWS`, or `PAGE_BYTES` and one row.
        """
        found: list[SharedRow] = []
        size, first = 0, bisect_right(self._numbers, after)
        for number in self._numbers[first : first + PAGE_ROWS]:
            row = self._rows[self._names[number]]
            found.append(row)
            size += len(to_text(row.value))
            if size > PAGE_BYTES:
                break
        is_last = first + len(found) == len(self._numbers)
        return tuple(found), self.state.number if is_last else found[-1].number

    # --- the keeper ---

    def begin(self, step: Step, sequence: str) -> None:
        """Continue this copy as the keeper, with a sequence that is not open yet."""
        old = self.state
        seen = dict(old.position)
        number = max(old.number, seen.pop(sequence, 0))
        self._put_state(
            step, replace(old, sequence=sequence, number=number, seen=seen, is_open=False)
        )

    def open(self, step: Step) -> None:
        """All copies of earlier sequences are in this one: it may be written and copied."""
        self._put_state(step, replace(self.state, is_open=True))

    def write(
        self, step: Step, name: Name, value: Json, by: str, old: SharedRow | None = None
    ) -> int:
        """Store a row with the next number, which is returned; `old` is a row to take over."""
        state = self.state
        number = state.number + 1
        row = SharedRow(
            kind=name[0],
            key=name[1],
            value=value,
            number=number,
            at=old.at if old else step.now,
            by=by,
            origin=old.origin if old else RowOrigin(sequence=state.sequence, number=number),
        )
        self._put(step, name, row)
        floor = state.floor
        while len(self._deleted) > DELETED_MAX:
            floor = self._deleted[0]
            self._put(step, self._names[floor], None)
        self._put_state(step, replace(state, number=number, floor=floor))
        return number

    def remember(self, step: Step, request: str, number: int) -> None:
        """Remember the answer to a request, so that a repetition changes nothing."""
        if len(self._answered) >= REQUESTS_MAX:
            oldest = next(iter(self._answered))
            self._answered.put(oldest, None)
            step.keep(SHARED_REQUEST, oldest, None)
        self._answered.put(request, number)
        step.promise_row(SHARED_REQUEST, request, number)

    def merge(self, step: Step, rows: Iterable[SharedRow], seen: Seen) -> None:
        """Take in the copy of a host: of each row the later write.

        What `seen` covers and the copy lacks was deleted there. Of two writes that do not know of
        each other a deletion wins, then the one of the later keeper.
        """
        theirs, position = {row.name: row for row in rows}, self.state.position
        for name in sorted({*theirs, *self._rows}):
            mine, other = self._rows.get(name), theirs.get(name)
            if other is None:
                if mine is not None and mine.value is not None and covers(seen, mine.origin):
                    self.write(step, name, None, "floe")
            elif _is_later(other, mine, seen, position):
                self.write(step, name, other.value, other.by, other)
        state = self.state
        keys = {*state.seen, *seen} - {state.sequence}
        merged = {key: max(state.seen.get(key, 0), seen.get(key, 0)) for key in keys}
        self._put_state(step, replace(state, seen=merged))

    # --- a copy ---

    def extend(self, step: Step, rows: Iterable[SharedRow], state: CopyState) -> None:
        """Add the next writes of the keeper."""
        for row in rows:
            self._put(step, row.name, row)
        for number in self._deleted[: bisect_right(self._deleted, state.floor)]:
            self._put(step, self._names[number], None)
        self._put_state(step, state)

    def replace(self, step: Step, rows: Iterable[SharedRow], state: CopyState) -> None:
        """Replace this copy by a whole one."""
        new = {row.name: row for row in rows}
        for name, row in [*self._rows.items()]:
            if name not in new:
                self._put(step, name, None)
            elif new[name] != row:
                self._change(name, None)  # its number may be that of a different row now
        for name, row in new.items():
            self._put(step, name, row)
        self._put_state(step, state)

    # --- parts ---

    def _all(self) -> Iterator[SharedRow]:
        return (self._rows[self._names[number]] for number in self._numbers)

    def _put_state(self, step: Step, state: CopyState) -> None:
        if self._state.put("", state):
            step.promise_row(SHARED_STATE, "copy", encode(state))

    def _put(self, step: Step, name: Name, row: SharedRow | None) -> None:
        old = self._rows.get(name)
        if old == row:
            return
        step.promise_row(SHARED, " ".join(name), None if row is None else encode(row))
        self._change(name, row)

    def _change(self, name: Name, row: SharedRow | None) -> None:
        old = self._rows.get(name)
        self._journal.undos.append(lambda: self._set(name, old))
        self._set(name, row)

    def _set(self, name: Name, row: SharedRow | None) -> None:
        old = self._rows.pop(name, None)
        if old is not None and self._names.get(old.number) == name:
            del self._names[old.number]
            _remove(self._numbers, old.number)
            _remove(self._deleted, old.number)
        if row is not None:
            self._rows[name] = row
            self._names[row.number] = name
            insort(self._numbers, row.number)
            if row.value is None:
                insort(self._deleted, row.number)


def _is_later(other: SharedRow, mine: SharedRow | None, seen: Seen, position: Seen) -> bool:
    """Whether a row of a different copy replaces the one here."""
    if covers(position, other.origin):
        return False
    if mine is None or covers(seen, mine.origin):
        return True
    return mine.value is not None and (other.value is None or _age(other) > _age(mine))


def _age(row: SharedRow) -> tuple[int, str, int]:
    origin = row.origin
    return term_of(origin.sequence), origin.sequence, origin.number


def _remove(numbers: list[int], number: int) -> None:
    at = bisect_left(numbers, number)
    if at < len(numbers) and numbers[at] == number:
        del numbers[at]
