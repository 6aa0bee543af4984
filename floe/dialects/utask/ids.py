"""The ids of tasks, resolutions and callbacks: UUIDs from which any host finds the run.

An id has a number of the store that opened the run, the serial of the run there, what it names, a
number, and a keyed hash, in the bits that a UUID of version 4 leaves to chance.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID

from floe.dialects.home_ids import keyed_bits, store_number, text_bits
from floe.model.ids import HostId, Key, RunRef, StoreId

UtaskKind = Literal["task", "resolution", "callback"]

KINDS: Final[tuple[UtaskKind, ...]] = get_args(UtaskKind)

STORE_BITS: Final = 20
SERIAL_BITS: Final = 34
KIND_BITS: Final = 2
NUMBER_BITS: Final = 34
HASH_BITS: Final = 32

VERSION: Final = 4
VARIANT: Final = 2
LOW_BITS: Final = 62
"""Of a UUID, after its variant."""
MID_BITS: Final = 12
"""Between its version and its variant."""

UUID_TEXT: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)


class UtaskId(NamedTuple):
    """What an id names."""

    run: RunRef
    kind: UtaskKind
    number: int = 0
    """Of a resolution: how often its task was started over before. Of a callback: a hash of the
    attempt that made it."""


def callback_number(key: Key) -> int:
    """The number of the callback that an attempt makes."""
    return text_bits(str(key), NUMBER_BITS)


def id_text(id: UtaskId, key: bytes) -> str:
    """The text of an id. `key` is the same at all hosts."""
    bits = store_number(id.run.store, STORE_BITS) << SERIAL_BITS | id.run.serial % (
        1 << SERIAL_BITS
    )
    bits = bits << KIND_BITS | KINDS.index(id.kind)
    bits = (bits << NUMBER_BITS | id.number) << HASH_BITS | _hash(id, key)
    high, low = divmod(bits, 1 << LOW_BITS)
    high, mid = divmod(high, 1 << MID_BITS)
    high = (high << 4 | VERSION) << MID_BITS | mid
    return str(UUID(int=(high << 2 | VARIANT) << LOW_BITS | low))


def id_in(text: str, stores: Iterable[tuple[HostId, StoreId]], key: bytes) -> UtaskId | None:
    """What a text names, if it is an id of a run that one of these stores opened."""
    if not is_uuid(text):
        return None
    bits, low = divmod(UUID(text).int, 1 << LOW_BITS)
    bits, mid = divmod(bits >> 2, 1 << MID_BITS)
    bits = (bits >> 4 << MID_BITS | mid) << LOW_BITS | low
    bits >>= HASH_BITS
    bits, number = divmod(bits, 1 << NUMBER_BITS)
    bits, kind = divmod(bits, 1 << KIND_BITS)
    at, serial = divmod(bits, 1 << SERIAL_BITS)
    if kind >= len(KINDS):
        return None
    for host, store in stores:
        id = UtaskId(RunRef(host, store, serial), KINDS[kind], number)
        if store_number(store, STORE_BITS) == at and text.lower() == id_text(id, key):
            return id
    return None


def is_uuid(text: str) -> bool:
    """Whether a text has the form of a UUID."""
    return UUID_TEXT.fullmatch(text) is not None


def _hash(id: UtaskId, key: bytes) -> int:
    return keyed_bits(key, f"{id.run.key} {id.kind} {id.number}", HASH_BITS)
