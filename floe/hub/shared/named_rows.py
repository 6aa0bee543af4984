"""Shared rows of one kind by names of any text, with values that may be larger than one row.

A large value is compressed and stored in part rows first, then the row that names them replaces the
old one: a copy that has the row has its parts.
"""

import base64
import zlib
from contextlib import suppress
from typing import Final, Literal, NamedTuple
from uuid import uuid4

from floe.hub.shared.shared_rows import SharedRows
from floe.model.codec import to_text
from floe.model.errors import Conflict, FloeError, TooLarge, World, Yours
from floe.model.ids import Json
from floe.model.named_row import name_of_row, part_keys, part_kind, row_key, value_of_row
from floe.model.shared_row import RowOrigin, SharedRow

NAMED_BYTES_MAX: Final = 4 << 20
"""Bytes of a value, as JSON."""

ONE_ROW: Final = 48 << 10
"""A value with more bytes is stored in parts."""

PART: Final = 60_000
"""Characters of a part."""

NAME_BYTES_MAX: Final = 4096

TRIES: Final = 20
"""So often a write is repeated while others write the same name."""


ANY: Final = "any"
"""A write replaces whichever row there is."""

Expected = RowOrigin | None | Literal["any"]
"""The write that made the row which is replaced; None for no row."""


class NamedRow(NamedTuple):
    """A row by its name, with its whole value."""

    name: str
    value: Json
    row: SharedRow


class NamedRows:
    """The rows of one kind. Only the keeper knows that there is none of a name."""

    def __init__(self, shared: SharedRows, kind: str) -> None:
        """`kind`: its parts have the kind `kind-part`."""
        self._shared = shared
        self._kind = kind
        self._parts = part_kind(kind)

    def local(self, name: str) -> NamedRow | None:
        """A row as this host's copy has it; None where the copy has none."""
        row = self._shared.local(self._kind, row_key(name))
        return None if row is None or row.value is None else self._named(row)

    async def find(self, name: str) -> NamedRow | None:
        """A row; None only where the keeper has none. Raises KeeperAway, Busy, World."""
        if found := self.local(name):
            return found
        await self.catch_up()
        return self.local(name)

    async def catch_up(self) -> None:
        """Wait until this host's copy has all that the keeper has now. Raises KeeperAway, Busy."""
        await self._shared.catch_up(self._kind)

    def all(self) -> list[NamedRow]:
        """The rows in this host's copy, the oldest write first."""
        return [self._named(row) for row in self._shared.of_kind(self._kind)]

    def names(self) -> list[tuple[str, SharedRow]]:
        """The names of the rows in this host's copy, with their rows, whose values are not read."""
        return [(name_of_row(row), row) for row in self._shared.of_kind(self._kind)]

    async def write(
        self, name: str, value: Json, *, by: str, expected: Expected = ANY
    ) -> SharedRow | None:
        """Write a row; return the one that it replaces, None for a new name.

        Raises Conflict where a row that is not `expected` is there, Yours, TooLarge, KeeperAway,
        Busy, StoreFailed.
        """
        if len(name.encode()) > NAME_BYTES_MAX:
            raise Yours(f"a name has at most {NAME_BYTES_MAX} bytes")
        text = to_text(value).encode()
        if len(text) > NAMED_BYTES_MAX:
            raise TooLarge(f"{len(text)} bytes; at most {NAMED_BYTES_MAX} are stored")
        if expected != ANY:  # before its parts are written, and by what the keeper has
            await self.catch_up()
            self._check(name, expected)
        head: dict[str, Json] = {"name": name, "value": value}
        if len(text) > ONE_ROW:
            head = {"name": name, "parts": await self._write_parts(text, by)}
        return await self._replace(name, head, by, expected)

    async def delete(self, name: str, *, by: str, expected: Expected = ANY) -> bool:
        """Delete a row; False where the keeper has none. Raises as `write`."""
        if expected != ANY:
            await self.catch_up()
        if await self.find(name) is None:
            return False
        return await self._replace(name, None, by, expected) is not None

    def _check(self, name: str, expected: Expected) -> None:
        """Raise Conflict where a different row is there than expected."""
        row = self._shared.local(self._kind, row_key(name))
        origin = None if row is None or row.value is None else row.origin
        if expected not in (ANY, origin):
            raise Conflict(f"{name[:80]} was {_change(row, expected)} meanwhile")

    async def _replace(
        self, name: str, head: Json, by: str, expected: Expected
    ) -> SharedRow | None:
        key = row_key(name)
        for _ in range(TRIES):
            self._check(name, expected)
            old = self._shared.local(self._kind, key)
            number = old.number if old else 0
            try:
                await self._shared.write(self._kind, key, head, by=by, expected=number)
            except Conflict:
                await self.catch_up()
                continue
            if old is None or old.value is None:
                return None
            await self._drop_parts(old, by)
            return old
        raise World(f"too many callers write {self._kind} {name[:80]} at once", "try again")

    async def _write_parts(self, text: bytes, by: str) -> list[Json]:
        packed = base64.b64encode(zlib.compress(text)).decode()
        id, keys = uuid4().hex, list[Json]()
        for start in range(0, len(packed), PART):
            keys.append(f"{id}.{len(keys)}")
            part = packed[start : start + PART]
            await self._shared.write(self._parts, str(keys[-1]), part, by=by, expected=0)
        return keys

    async def _drop_parts(self, row: SharedRow, by: str) -> None:
        """Delete the parts of a replaced row. Those that stay take room and do nothing else."""
        with suppress(FloeError):
            for key in part_keys(row):
                await self._shared.write(self._parts, key, None, by=by, expected=None)

    def _named(self, row: SharedRow) -> NamedRow:
        name = name_of_row(row)
        try:
            value = value_of_row(row, lambda key: self._shared.local(self._parts, key))
        except LookupError:
            raise World(f"{self._kind} {name[:80]} is not complete in this host's copy") from None
        return NamedRow(name, value, row)


def _change(row: SharedRow | None, expected: Expected) -> str:
    if row is None or row.value is None:
        return "deleted"
    return f"{'added' if expected is None else 'changed'} by {row.by[:80]}"
