"""The wire format between hosts: the handshake's headers, and messages as msgpack.

Source: docs/cluster-protocol.md, "Between hosts"; the msgpack specification.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgpack  # type: ignore[import-untyped]  # it ships no types

from floe.model.codec import decode, encode
from floe.model.errors import FloeError, Theirs
from floe.model.fits import fits
from floe.model.ids import STORE, HostId, StoreId, host_id
from floe.model.peer_message import Envelope
from floe.peers.base import FRAME_MAX, Hello, Protocols

HOST: Final = "X-Floe-Host"
STORE_ID: Final = "X-Floe-Store"
PROCESS: Final = "X-Floe-Process"
VERSION: Final = "X-Floe-Version"
PROTOCOL: Final = "X-Floe-Protocol"

_PROTOCOLS: Final = re.compile(r"([1-9][0-9]{0,5})(?:-([1-9][0-9]{0,5}))?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.+-]{1,64}")


def pack(envelope: Envelope) -> bytes:
    """A message to a peer, in its envelope, as a frame.

    Raises ValueError, OverflowError or TypeError for content that no frame can hold.
    """
    frame = _packed(encode(envelope))
    if len(frame) > FRAME_MAX:
        raise ValueError(f"{len(frame)} bytes are too many for a frame")
    return frame


def unpack(frame: bytes) -> Envelope | None:
    """The message of a peer in a frame; None for a kind of message that only a newer floe knows.

    Raises Theirs for a malformed frame.
    """
    shape = _shape(frame)
    try:
        envelope = decode(Envelope, shape)
    except KeyError as error:
        message = shape.get("message")
        kind = message.get("kind") if isinstance(message, dict) else None
        if kind is not None and error.args == (kind,):
            return None
        raise Theirs("a malformed message") from None
    except (TypeError, ValueError, AttributeError):
        raise Theirs("a malformed message") from None
    if not fits(Envelope, envelope):  # a wrong type would fail further in and end this host
        raise Theirs("a malformed message")
    return envelope


def pack_hello(hello: Hello) -> bytes:
    """The first frame of a connection, from the called host."""
    return _packed(headers_of(hello))


def unpack_hello(frame: bytes) -> Hello:
    """The identity of the called host. Raises Theirs."""
    shape = _shape(frame)
    return read_hello({k: v for k, v in shape.items() if isinstance(v, str)})


def headers_of(hello: Hello) -> dict[str, str]:
    """The identity of this host as headers, in place of a frame."""
    return {
        HOST: hello.host,
        STORE_ID: hello.store,
        PROCESS: hello.process,
        VERSION: hello.version,
        PROTOCOL: str(hello.protocols),
    }


def read_hello(headers: Mapping[str, str]) -> Hello:
    """The identity in a caller's headers, in place of a frame. Raises Theirs if invalid."""
    try:
        host: HostId = host_id(headers.get(HOST, ""))
    except FloeError as error:
        raise Theirs(f"invalid {HOST}: {error}") from None
    protocols = read_protocols(headers.get(PROTOCOL, ""))
    store = headers.get(STORE_ID, "")
    if protocols is None or not STORE.fullmatch(store):
        raise Theirs(f"missing or invalid {PROTOCOL} or {STORE_ID}")
    return Hello(
        host=host,
        store=StoreId(store),
        process=_plain(headers.get(PROCESS, "")),
        version=_plain(headers.get(VERSION, "")),
        protocols=protocols,
    )


def read_protocols(text: str) -> Protocols | None:
    """The protocols in the first frame of a connection: `1` or `1-3`; None for anything else."""
    found = _PROTOCOLS.fullmatch(text)
    if not found:
        return None
    return Protocols(int(found[1]), int(found[2] or found[1]))


def _plain(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else ""


def _packed(shape: Mapping[str, Any]) -> bytes:
    return cast(bytes, msgpack.packb(shape))


def _shape(frame: bytes) -> dict[str, Any]:
    try:
        shape = msgpack.unpackb(frame)
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise Theirs(f"a frame that is not msgpack: {error}") from None
    if not isinstance(shape, dict):
        raise Theirs("a frame that is not a map")
    return shape
