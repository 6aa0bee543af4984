"""Clients of the feed that only record bytes and their times; parsing comes later.

Parsing frames while they arrive would cost the measured host its second core.
"""

import base64
import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from scripts.benchmarks.host import DONE_S, TOKEN, Host

CHUNK = 1 << 18
TEXT = 0x81
PONG = bytes((0x8A, 0x80, 0, 0, 0, 0))
"""Sent now and then, because the host drops a client that is silent for long."""
PONG_S = 10.0
LAST = b'"event":"RunPacked"'
"""Contained in the last frame of a run."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame, and its time of arrival."""

    at_ns: int
    shape: dict[str, Any]

    @property
    def delay_ms(self) -> float:
        """The delay after the event; events have whole milliseconds, rounded down."""
        fact_s = datetime.fromisoformat(self.shape["at"]).timestamp()
        return self.at_ns / 1e6 - fact_s * 1e3


Chunks = list[tuple[int, bytes]]


class Listeners:
    """Some clients, read by one thread. Use as `with`."""

    def __init__(self, host: Host, count: int) -> None:
        self._clients = [connect(host) for _ in range(count)]
        self._chunks: list[Chunks] = [[] for _ in self._clients]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for client in self._clients:
            client.close()

    def take(self) -> list[Chunks]:
        """The bytes of each client since the last call, once they include the end of a run."""
        until = time.monotonic() + DONE_S
        while not all(_is_whole(b"".join(data for _, data in c)) for c in self._chunks):
            if time.monotonic() > until:
                raise TimeoutError("a client has not received the end of the run")
            time.sleep(0.02)
        with self._lock:
            taken, self._chunks = self._chunks, [[] for _ in self._clients]
        return taken

    def _read(self) -> None:
        poll = select.poll()
        places = {client.fileno(): place for place, client in enumerate(self._clients)}
        for fd in places:
            poll.register(fd, select.POLLIN)
        said_at = time.monotonic()
        while not self._over.is_set():
            if time.monotonic() - said_at > PONG_S:
                said_at = time.monotonic()
                for client in self._clients:
                    client.sendall(PONG)
            for fd, _ in poll.poll(50):
                data = self._clients[places[fd]].recv(CHUNK)
                if not data:
                    poll.unregister(fd)
                with self._lock:
                    self._chunks[places[fd]].append((time.time_ns(), data))


def _is_whole(data: bytes) -> bool:
    """Whether the end of a run has arrived: one read may end in the middle of a frame."""
    if LAST not in data:
        return False
    start = 0
    while start + 2 <= len(data):
        head, size = _sized(data, start)
        start += head + size
    return start == len(data)


def _sized(data: bytes, at: int) -> tuple[int, int]:
    """Bytes of a frame's head and payload."""
    size = data[at + 1]
    if size < 126:
        return 2, size
    head = 4 if size == 126 else 10
    return head, int.from_bytes(data[at + 2 : at + head], "big")


def connect(host: Host, receive_bytes: int = 0) -> socket.socket:
    """A websocket on the feed, from now on."""
    client = socket.socket()
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.connect(("127.0.0.1", host.port))
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: 127.0.0.1:{host.port}",
        f"Origin: http://127.0.0.1:{host.port}",
        f"X-Floe-Auth: {TOKEN}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
    ]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    if b" 101 " not in head:
        raise ConnectionError(head.decode())
    return client


def kill(client: socket.socket) -> None:
    """Cut a connection like a killed client: reset, without a close frame."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def send(client: socket.socket, shape: object) -> None:
    """Send at most 125 bytes, masked with zeros as clients must (RFC 6455, 5.3)."""
    data = json.dumps(shape).encode()
    client.sendall(bytes((0x81, 0x80 | len(data), 0, 0, 0, 0)) + data)


def events(chunks: Sequence[tuple[int, bytes]]) -> list[Heard]:
    """The event frames that a client received. Raises ValueError for half a frame.

    Source: RFC 6455, 5.2; a server's frames are not masked, and these are never continued.
    """
    heard: list[Heard] = []
    rest = b""
    for at_ns, data in chunks:
        rest += data
        while len(rest) >= 2:
            start, size = _sized(rest, 0)
            if len(rest) < start + size:
                break
            shape = json.loads(rest[start : start + size]) if rest[0] == TEXT else {}
            if shape.get("type") == "event":
                heard.append(Heard(at_ns, shape))
            rest = rest[start + size :]
    if rest:
        raise ValueError("half a frame: the feed is not at rest")
    return heard
