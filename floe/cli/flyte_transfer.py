"""`floe flyte import`: the items, packs and flows of a running server, into a host or a folder."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import click

from floe.cli.flyte_api import ServerGone
from floe.cli.flyte_sides import (
    Kind,
    Side,
    WritableSide,
    is_same,
)
from floe.model.errors import Denied, FloeError, Theirs, World
from floe.model.ids import Shape

State = Literal["added", "same", "replaced", "differs", "failed"]

STATES: Final[tuple[State, ...]] = ("added", "same", "replaced", "differs", "failed")

FAILED_MAX: Final = 10
"""Elements in a row that a server fails to answer for, after which the others are left out."""

EVERY_S: Final = 0.1
"""Seconds between two states of the line of progress."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one element."""

    kind: Kind
    name: str
    state: State
    why: str = ""


@dataclass(slots=True)
class ImportReport:
    """What became of all of them, and the documents that were read."""

    done: list[Imported] = field(default_factory=list)
    read: dict[Kind, dict[str, Shape]] = field(default_factory=dict)
    """Of each kind whose list was read; of items the names alone."""
    lists: list[tuple[Kind, FloeError]] = field(default_factory=list)
    """The lists that could not be read, and why."""
    extra: dict[Kind, list[str]] = field(default_factory=dict)
    """What the target has and the source has not: it stays."""
    stopped: FloeError | None = None
    """Why the rest was left out."""

    @property
    def is_whole(self) -> bool:
        """Whether the target now has what the source has."""
        is_there = all(one.state not in ("differs", "failed") for one in self.done)
        return is_there and not self.lists and self.stopped is None


class FlyteImport:
    """Brings elements from one side to another: the state of each, one after the other."""

    def __init__(
        self, source: Side, target: WritableSide, *, replace: bool, is_dry: bool = False
    ) -> None:
        self._source, self._target = source, target
        self._replace, self._is_dry = replace, is_dry
        self._failed = 0
        self.report = ImportReport()

    def run(self, kinds: tuple[Kind, ...]) -> ImportReport:
        """Import some kinds. Raises FloeError if a side does not answer at all."""
        lists = self._lists(kinds)
        there = {kind: self._target.listed(kind) for kind in lists}
        self.report.read = {kind: {} for kind in lists}
        self.report.extra = {
            kind: sorted(there[kind].keys() - rows.keys()) for kind, rows in lists.items()
        }
        try:
            for kind, rows in lists.items():
                with progress(kind, len(rows)) as count:
                    for name, row in rows.items():
                        self.report.done.append(self._import(kind, name, row, there[kind]))
                        count()
        except FloeError as error:
            self.report.stopped = error
        if not self._is_dry:
            self._target.settle()
        return self.report

    def _lists(self, kinds: tuple[Kind, ...]) -> Mapping[Kind, Mapping[str, Shape]]:
        found: dict[Kind, Mapping[str, Shape]] = {}
        for kind in kinds:
            try:
                found[kind] = self._source.listed(kind)
            except ServerGone:
                raise
            except FloeError as error:
                self.report.lists.append((kind, error))
        if not found:
            raise self.report.lists[0][1]
        return found

    def _import(self, kind: Kind, name: str, row: Shape, there: Mapping[str, Shape]) -> Imported:
        """Raises FloeError if the others would fail too."""
        try:
            document = self._source.read(kind, name, row)
            self.report.read[kind][name] = document if kind != "items" else {}
            state = self._state(kind, name, document, there)
        except FloeError as error:
            return self._failure(kind, name, error)
        if state in ("added", "replaced") and not self._is_dry:
            try:
                self._target.write(kind, name, document)
            except Denied:
                raise
            except FloeError as error:
                return self._failure(kind, name, error)
        self._failed = 0
        why = "--replace overwrites the one that is there" if state == "differs" else ""
        return Imported(kind, name, state, why)

    def _failure(self, kind: Kind, name: str, error: FloeError) -> Imported:
        self._failed += 1
        is_last = self._failed >= FAILED_MAX and isinstance(error, Theirs | World)
        if is_last or isinstance(error, ServerGone):
            raise error
        return Imported(kind, name, "failed", str(error))

    def _state(self, kind: Kind, name: str, document: Shape, there: Mapping[str, Shape]) -> State:
        if name not in there:
            return "added"
        try:
            if is_same(kind, document, self._target.read(kind, name, there[name])):
                return "same"
        except ServerGone:
            raise
        except FloeError:
            if not self._replace:
                raise
        return "replaced" if self._replace else "differs"


@contextmanager
def progress(kind: Kind, most: int) -> Iterator["_Count"]:
    """A line of progress where standard error is a terminal."""
    count = _Count(kind, most)
    try:
        yield count
    finally:
        count.end()


class _Count:
    """Counts elements in the line of progress."""

    def __init__(self, kind: Kind, most: int) -> None:
        self._kind, self._most, self._done = kind, most, 0
        self._is_shown = sys.stderr.isatty()
        self._at = 0.0

    def __call__(self) -> None:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        if self._is_shown and now - self._at >= EVERY_S:
            self._at = now
            click.echo(f"\r{self._kind}: {self._done} of {self._most}\033[K", nl=False, err=True)

    def end(self) -> None:
        """Remove the line."""
        if self._is_shown:
            click.echo("\r\033[K", nl=False, err=True)
