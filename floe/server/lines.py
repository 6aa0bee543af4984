"""The lines of an output: their offsets, their text, and searches in them.

To seek in a growing file, keep the line number at every 64 KiB; the index is built on first use. No
line and no file is ever held in memory as a whole.
"""

import asyncio
import os
import re
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from floe.expr.masking import NO_MASKS, Masks
from floe.files import opened
from floe.masked_files import AtEnd, masked_piece
from floe.model.errors import PlaceHangs
from floe.model.nouns import dataclass
from floe.places import Places
from floe.server.colours import SEQUENCE_MAX, styled

T = TypeVar("T")

STRETCH: Final = 64 * 1024
"""Bytes between two index entries at first; doubled whenever there are too many entries."""
MARKS_MAX: Final = 8192
LINE_MAX: Final = 4096
"""Bytes of a line that are returned."""
FOUND_MAX: Final = 1000
"""Lines in the reply to a search."""
SEARCH_BYTES: Final = 64 * 1024 * 1024
"""Bytes read by a search."""
BLOCK: Final = 1024 * 1024
FILES_MAX: Final = 64
"""Files whose index is kept."""

_ESCAPE: Final = re.compile(rb"\x1b\[[0-9;:]*m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of an output, or its beginning."""

    text: str
    bytes: int
    """Of the whole line, without its end."""
    style: str
    """Colours and weights in effect at its start, as codes of one SGR sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLines:
    """The lines that a search found, and how far it read."""

    lines: tuple[int, ...]
    """Line numbers from 1."""
    next: int | None
    """The line to continue at; None at the end."""


class Lines:
    """The index of one growing file. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.masks = NO_MASKS
        """Of the secrets in the file."""
        self.at_end: AtEnd = "as-is"
        self.forget()

    def forget(self) -> None:
        """Start again with an empty file."""
        self._stretch = STRETCH
        self._marks = array("Q", [0])  # newlines before each stretch
        self._styles = [""]  # style in effect at the start of each
        self._style = ""
        self._tail = b""  # an escape sequence in it may continue in the next bytes
        self._ends = 0  # newlines in all bytes read
        self.size = 0
        """Bytes read so far."""
        self._open = False

    @property
    def count(self) -> int:
        """Number of lines, including one without an end."""
        return self._ends + self._open

    def grow(self) -> None:
        """Read the bytes since the last call. Raises NotPlain, OSError."""
        with opened(self._path) as file:
            if os.fstat(file).st_size < self.size:
                self.forget()
            while data := os.pread(file, self._room(), self.size):
                self.size += len(data)
                self._ends += data.count(b"\n")
                self._open = not data.endswith(b"\n")
                self._style = styled(self._style, self._tail + data)
                self._tail = (self._tail + data)[-SEQUENCE_MAX:]
                if self.size == len(self._marks) * self._stretch:
                    self._mark()

    def read(self, first: int, count: int) -> list[Line]:
        """Some lines from number `first` (1 or more)."""
        lines: list[Line] = []
        if not self.count:
            return lines
        with opened(self._path) as file:
            start = self._start(file, first)
            style = self._style_at(file, start)
            for number in range(first, min(first + count, self.count + 1)):
                data = self._pread(file, max(0, min(LINE_MAX + 1, self.size - start)), start)
                end = start + data.find(b"\n")
                if end < start:
                    end = self._end(file, number)
                taken = data[: min(end - start, LINE_MAX)]
                is_whole = len(taken) == end - start
                is_over = is_whole and end < self.size
                text = (taken if is_over else _whole(taken)).decode(errors="replace")
                lines.append(Line(text=text, bytes=end - start, style=style))
                style = styled(style, taken) if is_whole else self._style_at(file, end)
                start = end + 1
        return lines

    def find(self, text: str, first: int) -> FoundLines:
        """The lines from `first` that contain a text, ignoring case and colours."""
        wanted = text.encode().lower()
        found: list[int] = []
        if not self.count:
            return FoundLines(lines=(), next=None)
        with opened(self._path) as file:
            start = self._start(file, first)
            stop = start + SEARCH_BYTES
            number = first
            for block in _blocks(
                partial(self._pread, file), start, min(stop, self.size), len(wanted)
            ):
                for line in _hits(block, wanted):
                    if not found or found[-1] != number + line:
                        found.append(number + line)
                    if len(found) == FOUND_MAX:
                        return FoundLines(lines=tuple(found), next=found[-1] + 1)
                number += block.count(b"\n")
        return FoundLines(
            lines=tuple(found), next=max(number, first + 1) if stop < self.size else None
        )

    def _pread(self, file: int, size: int, offset: int) -> bytes:
        return masked_piece(file, size, offset, self.masks, self.at_end)

    def _room(self) -> int:
        """Bytes to the next index entry."""
        return len(self._marks) * self._stretch - self.size

    def _mark(self) -> None:
        self._marks.append(self._ends)
        self._styles.append(self._style)
        if len(self._marks) > MARKS_MAX:
            self._marks = self._marks[::2]
            self._styles = self._styles[::2]
            self._stretch *= 2

    def _style_at(self, file: int, place: int) -> str:
        """The style in effect at a byte."""
        at = place // self._stretch
        start = max(0, at * self._stretch - SEQUENCE_MAX)
        return styled(self._styles[at], os.pread(file, place - start, start))

    def _end(self, file: int, number: int) -> int:
        """The end of a line; for the last one, the end of the file so far."""
        return self.size if number > self._ends else self._start(file, number + 1) - 1

    def _start(self, file: int, number: int) -> int:
        """The start of a line; the end of the file for a line that does not exist."""
        before = number - 1
        if before <= 0:
            return 0
        if before > self._ends:
            return self.size
        at = bisect_left(self._marks, before) - 1
        data = os.pread(file, self._stretch, at * self._stretch)
        place = -1
        for _ in range(before - self._marks[at]):
            place = data.find(b"\n", place + 1)
            if place < 0:  # a command overwrote it
                return self.size
        return at * self._stretch + place + 1


def _whole(data: bytes) -> bytes:
    """Without the beginning of an incomplete character."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            need = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2
            return data[:-back] if need > back else data
        if byte < 0x80:
            break
    return data


def _blocks(
    read: Callable[[int, int], bytes], start: int, stop: int, overlap: int
) -> Iterator[bytes]:
    """Pieces of a file that end with a line.

    Within a line longer than a piece, the next piece begins a little earlier, so that no text is
    cut.
    """
    while start < stop:
        data = read(BLOCK, start)
        if not data:
            return
        end = data.rfind(b"\n") + 1
        yield data[:end] or data
        start += end or max(1, len(data) - overlap if start + len(data) < stop else len(data))


def _hits(block: bytes, wanted: bytes) -> Iterator[int]:
    """Lines of a block, from 0, that contain a text; once per occurrence."""
    text = (_ESCAPE.sub(b"", block) if b"\x1b" in block else block).lower()
    line, seen = 0, 0
    at = text.find(wanted)
    while at >= 0:
        line += text.count(b"\n", seen, at)
        yield line
        seen = at
        end = text.find(b"\n", at)
        at = text.find(wanted, end) if end >= 0 else -1


class LineMarks:
    """The indexes of files that clients read; the least recently used are dropped."""

    def __init__(self, places: Places, masks: Callable[[], Masks]) -> None:
        self._places = places
        self._masks = masks
        self._files: OrderedDict[Path, tuple[Lines, asyncio.Lock]] = OrderedDict()

    async def look(self, path: Path | None, work: Callable[[Lines], T], *, is_over: bool) -> T:
        """The result of work in a thread on a file's lines, including the newest.

        `is_over`: the file does not grow any more. Without a file there are no lines. Raises
        NotPlain, PlaceHangs, OSError.
        """
        if path is None:
            return work(Lines(Path()))
        lines, lock = self._files.get(path) or (Lines(path), asyncio.Lock())
        self._files[path] = lines, lock
        self._files.move_to_end(path)
        if len(self._files) > FILES_MAX:
            self._files.popitem(last=False)

        def grown() -> T:
            lines.masks, lines.at_end = self._masks(), "as-is" if is_over else "masked"
            try:
                lines.grow()
            except FileNotFoundError:  # nothing printed yet, or the file was removed
                lines.forget()
            return work(lines)

        async with lock:
            try:
                return await self._places.read(path, grown)
            except PlaceHangs:
                self._files.pop(path, None)  # the thread may change this index at any time
                raise
