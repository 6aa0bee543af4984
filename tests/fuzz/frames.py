"""Hostile clients of the feed. Pure: randomness comes in.

Source: RFC 6455, 5.2, for how a frame looks.
"""

from random import Random
from typing import Final

from tests.fuzz import texts
from tests.fuzz.requests import ADDRESS, ADMIN, PERSONAL, SESSION, Sent

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

RUNS: Final = (b"h1-1", b"h1-2", b"h1-3", b"h1-4", b"h1-99", b"h2-1", b"../..")
NODES: Final = (b"say", b"slow", b"loud", b"ask", b"none", b"../../etc/passwd")


def client(rng: Random) -> Sent:
    """A handshake and what is sent after it; a ping comes last, to be answered."""
    after = rng.choice([b"", b"?after=" + texts.integer(rng).encode()[:50].replace(b"\n", b"")])
    if rng.random() < 0.2:
        after = b"?after=h1:1%00,h2:x" + b"%2c" * 500
    token = rng.choice(
        [
            b"X-Floe-Auth: " + ADMIN,
            b"Authorization: Bearer " + PERSONAL,
            b"Cookie: floe-sesh=" + SESSION,
        ]
    )
    key = rng.choice([b"dGhlIHNhbXBsZSBub25jZQ=="] * 20 + [b"", b"x", b"\xff" * 20])
    head = b"\r\n".join(
        (
            b"GET /ws" + after.translate(None, b" ") + b" HTTP/1.1",
            b"Host: " + ADDRESS,
            b"Origin: http://" + ADDRESS,
            token,
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: " + rng.choice([b"13"] * 20 + [b"8", b"x", b"9" * 500]),
            b"Sec-WebSocket-Key: " + key,
            *([b"Sec-WebSocket-Extensions: permessage-deflate" + rng.choice(OPTIONS)] * 1),
        )
    )
    frames = b"".join(_some(rng) for _ in range(rng.choice([0, 1, 1, 2, 3, 20])))
    is_whole = rng.random() < 0.95
    last = frame(rng, PING, b"there?") if is_whole else _unfinished(rng)
    return Sent(head, frames + last, is_whole=is_whole, is_stream=True)


OPTIONS: Final = (
    b"",
    b"; server_max_window_bits=99",
    b"; client_max_window_bits=x",
    b"; server_max_window_bits=" + b"9" * 5000,
    b"; a=b" * 500,
)


def frame(
    rng: Random, opcode: int, data: bytes, *, first: int = 0x80, masked: bool = True
) -> bytes:
    """A frame of a client."""
    size = len(data)
    bit = 0x80 if masked else 0
    head = bytes((first | opcode,))
    if size < 126:
        head += bytes((bit | size,))
    elif size < 1 << 16:
        head += bytes((bit | 126,)) + size.to_bytes(2, "big")
    else:
        head += bytes((bit | 127,)) + size.to_bytes(8, "big")
    if not masked:
        return head + data
    mask = rng.randbytes(4)
    if size > 1000:
        mask = b"\0\0\0\0"  # the same bytes, sooner made
        return head + mask + data
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def _some(rng: Random) -> bytes:
    chance = rng.random()
    if chance < 0.6:
        return frame(rng, TEXT, _asked(rng))
    if chance < 0.7:
        whole = _asked(rng)
        half = len(whole) // 2
        return frame(rng, TEXT, whole[:half], first=0) + frame(rng, 0, whole[half:])
    return rng.choice(
        (
            frame(rng, BINARY, rng.randbytes(100)),
            frame(rng, TEXT, b"\xff\xfe"),
            frame(rng, TEXT, b"\xed\xa0\x80"),
            frame(rng, TEXT, b"a" * 70_000),
            frame(rng, TEXT, b"a" * 1_000_000),
            frame(rng, TEXT, b"{}" * 10, first=0xC0),
            frame(rng, TEXT, b"{}", first=0xF0),
            frame(rng, 3, b"{}"),
            frame(rng, 0, b"{}"),
            frame(rng, TEXT, b"{}", masked=False),
            frame(rng, PING, b"a" * 126),
            frame(rng, PING, b"") * 200,
            frame(rng, PONG, b"x") * 200,
            frame(rng, TEXT, b"{}") * 300,
            frame(rng, TEXT, b"", first=0) * 300,
            frame(rng, CLOSE, b""),
            frame(rng, CLOSE, b"\x03"),
            frame(rng, CLOSE, b"\0\0"),
            frame(rng, CLOSE, b"\x03\xe8\xff"),
        )
    )


def _unfinished(rng: Random) -> bytes:
    """Frames that say that more comes."""
    return rng.choice(
        (
            b"\x81\xff" + b"\xff" * 8,
            b"\x81\xff" + (1 << 62).to_bytes(8, "big") + b"\0" * 4,
            b"\x81\xfe\xff\xff" + b"\0" * 1000,
            rng.randbytes(50),
        )
    )


def _asked(rng: Random) -> bytes:
    if rng.random() < 0.1:
        return rng.choice(texts.BOMBS)(rng)[:60_000]
    run, node = rng.choice(RUNS), rng.choice(NODES)
    if rng.random() < 0.15:
        run, node = _quotable(texts.text(rng)), _quotable(texts.text(rng))
    parts = [b'"run":"%b"' % run, b'"node":"%b"' % node]
    if rng.random() < 0.5:
        number = texts.integer(rng).encode()
        name = rng.choice([b"attempt", b"offset"])
        parts.append(b'"%b":%b' % (name, rng.choice([number, b'"%b"' % number])))
    inner = b"{" + b",".join(parts) + b"}"
    return rng.choice(
        (
            b'{"watch":%b}' % inner,
            b'{"watch":%b}' % inner,
            b'{"unwatch":%b}' % inner,
            b'{"watch":%b,"unwatch":%b}' % (inner, inner),
            b'{"run":"%b"}' % run,
            b'{"run":%b}' % texts.integer(rng).encode(),
            b'{"run":null,"watch":[]}',
            b"[" + inner + b"]",
            texts.integer(rng).encode(),
        )
    )


def _quotable(text: bytes) -> bytes:
    return text.translate(None, b'"\\')[:3000]
