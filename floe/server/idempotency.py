"""The Idempotency-Key of a request: the same request twice is carried out once."""

from typing import Final

from aiohttp import web

from floe.model.errors import IdInvalid

ONCE_MAX: Final = 200
"""Characters of an Idempotency-Key."""


def idempotency_key(request: web.Request, *about: str) -> str:
    """The caller's Idempotency-Key for this address and the operation `about`; empty for none.

    The operation is part of the key, so the same key for a different operation is not a repetition.
    Raises IdInvalid.
    """
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > ONCE_MAX or not key.isascii() or not (key.isprintable()):
        raise IdInvalid("idempotency key", key, f"up to {ONCE_MAX} printable ASCII characters")
    return " ".join(("key:", request.path, *about, key)) if key else ""
