"""Shared rows: small values that the keeper alone writes, and of which every host has a copy.

Source: docs/cluster-protocol.md, "Shared rows".
"""

import re
from collections.abc import Mapping
from typing import Final

from floe.model.codec import to_text
from floe.model.ids import Instant, Json
from floe.model.nouns import dataclass

VALUE_BYTES_MAX: Final = 64 * 1024
"""Bytes of a row's value, as JSON."""

ROWS_MAX: Final = 100_000
"""Rows with a value in one cluster."""

DELETED_MAX: Final = 10_000
"""Deleted rows that are remembered; a host that missed older deletions gets a whole copy."""

KEY_MAX: Final = 200
"""Characters of a row's key."""

KIND: Final = re.compile(r"[a-z][a-z0-9.-]{0,62}")

Seen = Mapping[str, int]
"""Which writes a copy contains, or has replaced by later ones: by sequence, up to which number."""

Name = tuple[str, str]
"""The kind and the key of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOrigin:
    """The write that made a row; it stays the same when a later keeper takes the row over."""

    sequence: str
    """Of the keeper that stored it, as `store.term`."""
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """A shared row: the last write of one kind and key."""

    kind: str
    key: str
    value: Json
    """None: deleted."""
    number: int
    """Its place in the sequence of the present keeper."""
    at: Instant
    """By the keeper's clock."""
    by: str
    """The person who wrote it."""
    origin: RowOrigin

    @property
    def name(self) -> Name:
        """Its kind and key."""
        return self.kind, self.key


def row_fault(kind: str, key: str, value: Json) -> str:
    """Why no shared row can be like this; empty if one can."""
    if not KIND.fullmatch(kind):
        return f"{kind[:80]!r} is not a kind of shared rows"
    if not 0 < len(key) <= KEY_MAX or not key.isprintable():
        return f"the key of a shared row has 1 to {KEY_MAX} printable characters"
    size = len(to_text(value).encode())
    if size > VALUE_BYTES_MAX:
        return f"{kind} {key} has {size} bytes; a shared row has up to {VALUE_BYTES_MAX}"
    return ""


def covers(seen: Seen, origin: RowOrigin) -> bool:
    """Whether a copy contains a write, or has replaced it by a later one."""
    return seen.get(origin.sequence, 0) >= origin.number


def sequence_of(store: str, term: int) -> str:
    """The name of the sequence that a store writes as the keeper of a term."""
    return f"{store}.{term}"


def term_of(sequence: str) -> int:
    """The term of a sequence; 0 for none."""
    term = sequence.rpartition(".")[2]
    return int(term) if term.isdecimal() else 0
