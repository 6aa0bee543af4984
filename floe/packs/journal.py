"""The journal of a pack: what it took and has not delivered, in a file that outlives `kill -9`.

Rules of this file: an action is on the disk before its handler begins, and a result before it is
sent. Each line is a record. A process that is killed can tear the last line alone, and a line that
cannot be read counts as not written.
"""

import asyncio
import errno
import json
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from floe.packs.connections import in_thread
from floe.packs.journal_file import JournalFile, JournalRefused
from floe.packs.take_names import TakeNames
from floe.packs.wire import TakenAction

LOG: Final = logging.getLogger("floe.packs")

VERSION: Final = 1
REWRITE_BYTES: Final = 256 * 1024
"""A journal of this size, and of twice its content, is written again without what is over."""

FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class OpenAction:
    """An action that an earlier process took, and whose result the server may not have."""

    action: TakenAction
    is_repeatable: bool = False
    """Whether its input is in the journal."""
    repeats: int = 0
    """How often it was begun again."""
    result: bytes | None = None
    """The body of its result; None if there was none yet."""
    lines: list[bytes] = field(default_factory=list)


@dataclass
class _Batch:
    """Lines that one write puts on the disk."""

    lines: list[bytes] = field(default_factory=list)
    is_promise: bool = False
    """Whether its writers wait for the disk."""
    is_written: bool = False
    fault: OSError | None = None


class Journal:
    """The open actions of one pack at one server, on disk and in memory."""

    def __init__(self, path: Path, pack: str, server: str) -> None:
        """Open a journal, alone. `pack`: the name and labels. Raises JournalRefused."""
        self._path = path
        self._head = {"journal": VERSION, "pack": pack, "server": server}
        self._key = secrets.token_hex(16)
        self.takes = TakeNames()
        self._open: dict[str, OpenAction] = {}
        self._batch = _Batch()
        self._writing = asyncio.Lock()
        self._disk = threading.Lock()
        with _in_words(path):
            self._file = JournalFile(path)
            try:
                self._read()
                self._begin()
            except BaseException:
                self.close()
                raise

    def take_name(self, number: int) -> str:
        """The name of a take."""
        return f"{self._key}-{number}"

    def left(self) -> list[OpenAction]:
        """What earlier processes left, oldest first."""
        return list(self._open.values())

    async def took(self, take: int, action: TakenAction, *, is_repeatable: bool) -> None:
        """Keep an action, before its handler begins. Raises OSError."""
        record: dict[str, Any] = {"took": action.result, "take": take, "command": action.command}
        if is_repeatable:
            record["input"] = action.input
        opened = self._open.setdefault(action.result, OpenAction(action, is_repeatable))
        await self._add(opened, record)
        self.takes.used(take)

    async def begun_again(self, action: TakenAction) -> None:
        """Keep that the handler of an action is about to begin again. Raises OSError."""
        opened = self._open[action.result]
        await self._add(opened, {"again": action.result, "repeats": opened.repeats + 1})
        opened.repeats += 1

    async def ended(self, action: TakenAction, result: bytes) -> None:
        """Keep a result, before it is sent. Raises OSError."""
        await self._write(self._ended(action, result), is_promise=True)

    def ended_now(self, action: TakenAction, result: bytes) -> None:
        """Keep a result, by a call that blocks. Raises OSError."""
        self._put([self._ended(action, result)], is_promise=True)

    async def delivered(self, action: TakenAction) -> None:
        """Forget an action: the server has its result, or refuses it. A power failure may lose
        that; then the result is sent again. Raises OSError."""
        if self._open.pop(action.result, None) is not None:
            await self._write(_line({"over": action.result}), is_promise=False)

    async def mend(self) -> None:
        """Write the file again after a write that failed. Raises OSError."""
        if self._file.is_torn:
            await in_thread(lambda: self._put([], is_promise=True))

    def close(self) -> None:
        """Let another process have the journal."""
        with self._disk:
            self._file.close()

    # --- its records ---

    async def _add(self, opened: OpenAction, record: dict[str, Any]) -> None:
        line = _line(record)
        if line not in opened.lines:  # a second try, after a full disk
            opened.lines.append(line)
        await self._write(line, is_promise=True)

    def _ended(self, action: TakenAction, result: bytes) -> bytes:
        line = b'{"ended": %s, "result": %s}\n' % (json.dumps(action.result).encode(), result)
        opened = self._open.setdefault(action.result, OpenAction(action))
        opened.result = result
        opened.lines.append(line)
        return line

    def _read(self) -> None:
        """Fold the records of earlier processes. Raises JournalRefused, OSError."""
        lines = self._file.lines()
        if not lines:
            return
        head = _record(lines[0]) or {}
        match head:
            case {"journal": 1, "key": str(key), "takes": int(takes), "loose": [*loose]}:
                self._key, self.takes = key, TakeNames(takes, loose)
            case {"journal": version} if version != VERSION:
                raise JournalRefused(f"a later floe wrote it, in version {version}")
            case _:
                raise JournalRefused("it is no journal of a pack: choose a different file")
        records = [(_record(line), line) for line in lines[1:]]
        for record, line in records:
            if record is not None:
                self._fold(record, line)
        if unread := sum(record is None for record, _ in records):
            LOG.warning("%s: %s lines cannot be read, and count as not written", self._path, unread)
        self.takes.doubt_all()
        if self._open and not self._head.items() <= head.items():
            raise JournalRefused(
                f"it has {len(self._open)} open actions of the pack {head.get('pack')} at "
                f"{head.get('server')}: let that pack deliver them, or choose a different file"
            )

    def _fold(self, record: dict[str, Any], line: bytes) -> None:
        match record:
            case {"took": str(url), "take": int(take), "command": str(command)}:
                self.takes.used(take)
                taken = TakenAction(command, record.get("input"), url)
                self._open[url] = OpenAction(taken, "input" in record, lines=[line])
            case {"again": str(url), "repeats": int(repeats)}:
                if opened := self._open.get(url):
                    opened.repeats = repeats
                    opened.lines.append(line)
            case {"ended": str(url), "result": result}:
                ended = self._open.setdefault(url, OpenAction(TakenAction("", None, url)))
                ended.result = json.dumps(result).encode()
                ended.lines.append(line)
            case {"over": str(url)}:
                self._open.pop(url, None)
            case _:
                LOG.warning("%s has a record that this floe does not know", self._path)

    # --- its file ---

    def _begin(self) -> None:
        """Write the file without what is over; on a full disk, later. Raises OSError."""
        try:
            self._rewrite([])
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._file.is_torn = True
            LOG.warning("%s: %s; no action is taken until it can be written", self._path, error)

    async def _write(self, line: bytes, *, is_promise: bool) -> None:
        """Write a line, together with those of other tasks. Raises OSError."""
        batch = self._batch
        batch.lines.append(line)
        batch.is_promise |= is_promise
        async with self._writing:
            if not batch.is_written:
                self._batch = _Batch()
                try:
                    await in_thread(lambda: self._put(batch.lines, is_promise=batch.is_promise))
                except OSError as error:
                    batch.fault = error
                batch.is_written = True
        if batch.fault is not None:
            raise batch.fault

    def _put(self, lines: list[bytes], *, is_promise: bool) -> None:
        """Put lines into the file, and on the disk if it is a promise. Raises OSError."""
        text = b"".join(lines)
        with self._disk:
            if not self._file.is_open:
                return  # the pack has stopped, and left this to the next process
            if self._file.is_torn or self._is_long(len(text)):
                self._rewrite(lines)
            else:
                self._file.add(text, is_promise=is_promise)

    def _is_long(self, more: int) -> bool:
        size = self._file.size + more
        return size > REWRITE_BYTES and size > 2 * sum(map(len, self._kept()))

    def _rewrite(self, lines: list[bytes]) -> None:
        """Write a new file with what is open. Raises OSError."""
        kept = self._kept()
        head = {**self._head, "key": self._key, **self.takes.shape()}
        text = b"".join([_line(head), *kept, *(line for line in lines if line not in kept)])
        self._file.rewrite(text)

    def _kept(self) -> list[bytes]:
        """The lines of what is open."""
        return [line for opened in list(self._open.values()) for line in opened.lines]


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Name the file in each reason not to use it."""
    try:
        yield
    except JournalRefused as error:
        raise JournalRefused(f"the journal {path}: {error}") from None
    except BlockingIOError:
        raise JournalRefused(
            f"the journal {path}: a different process has it; each process needs one of its own"
        ) from None
    except OSError as error:
        raise JournalRefused(f"the journal {path}: {error.strerror}") from error


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _record(line: bytes) -> dict[str, Any] | None:
    """The record in a line; None if it is torn."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
