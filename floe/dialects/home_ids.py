"""What ids have that lead any host to their runs: a number of a store, and a keyed hash.

With both in an id no table of ids is kept or copied, and no id can be guessed.
"""

import hmac
from functools import cache
from hashlib import sha256

from floe.model.ids import StoreId


@cache
def store_number(store: StoreId, bits: int) -> int:
    """A number of a store. Two stores may have the same: their ids differ by the hash."""
    return _first_bits(hmac.digest(b"store", store.encode(), "sha256"), bits)


def keyed_bits(key: bytes, text: str, bits: int) -> int:
    """A hash of a text that needs the key; at most 64 bits."""
    return _first_bits(hmac.digest(key, text.encode(), "sha256"), bits)


def text_bits(text: str, bits: int) -> int:
    """A hash of a text that anyone can calculate; at most 64 bits."""
    return _first_bits(sha256(text.encode()).digest(), bits)


def _first_bits(digest: bytes, count: int) -> int:
    return int.from_bytes(digest[:8], "big") >> (64 - count)
