"""Shared rows whose names are any text, and whose values may be larger than one row.

The key of such a row is a hash of its name. A large value is compressed, in parts that are rows of
a kind of their own.
"""

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from floe.model.codec import from_text
from floe.model.ids import Json
from floe.model.shared_row import SharedRow


def row_key(name: str) -> str:
    """The key of the row of a name: names are any text, keys are not."""
    return sha256(name.encode()).hexdigest()


def part_kind(kind: str) -> str:
    """The kind of the rows with the parts of the values of a kind."""
    return f"{kind}-part"


def name_of_row(row: SharedRow) -> str:
    """The name of a row that has a value."""
    return str(_head(row)["name"])


def value_of_row(row: SharedRow, part: Callable[[str], SharedRow | None]) -> Json:
    """The whole value of a row. `part` gives a part by its key. Raises LookupError where the copy
    lacks one."""
    head = _head(row)
    if "parts" not in head:
        return head["value"]
    texts = [found.value for key in part_keys(row) if (found := part(key)) and found.value]
    if len(texts) < len(part_keys(row)):
        raise LookupError(f"{row.kind} {name_of_row(row)[:80]} is not complete in this copy")
    return from_text(zlib.decompress(base64.b64decode("".join(map(str, texts)))))


def part_keys(row: SharedRow) -> list[str]:
    """The keys of the parts of a row; none for a value in one row."""
    parts = _head(row).get("parts") if isinstance(row.value, Mapping) else None
    return [str(key) for key in parts] if isinstance(parts, Sequence) else []


def _head(row: SharedRow) -> Mapping[str, Json]:
    assert isinstance(row.value, Mapping), "a row with a name is a map"
    return row.value
