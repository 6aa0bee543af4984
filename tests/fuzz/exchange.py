"""One hostile request and what comes back, over a socket of its own."""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz.frames import CLOSE, PONG
from tests.fuzz.requests import Sent

ANSWER_S: Final = 20.0
"""Seconds that are waited for an answer."""

MORE_S: Final = 0.3
"""Seconds that are waited where none may come, or for more of one without an end."""

HEAD_END: Final = b"\r\n\r\n"


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int = 0
    """0: nothing that is an answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in lower case."""
    body: bytes = b""
    took_s: float = 0.0
    is_closed: bool = False
    """The host closed the connection."""
    close_code: int = 0
    """Of a websocket, if it was closed by a frame."""


def exchange(address: tuple[str, int], source: str, sent: Sent) -> Answer:
    """Send a request and take what comes. Nothing that the host does raises."""
    answer = Answer()
    began = time.monotonic()
    with socket.socket() as sock:
        sock.bind((source, 0))
        sock.settimeout(ANSWER_S)
        with suppress(OSError):
            sock.connect(address)
            is_feed = sent.head.startswith(b"GET /ws") and sent.is_stream
            _send(sock, sent.head + HEAD_END if is_feed else sent.data)
            if not sent.is_whole:
                sock.settimeout(MORE_S)
            data = _read_head(sock, answer)
            if answer.status == 101:
                _converse(sock, sent.body, data, answer)
            else:
                _read_body(sock, data, answer, sent)
    answer.took_s = time.monotonic() - began
    return answer


def _send(sock: socket.socket, data: bytes) -> None:
    with suppress(ConnectionError):  # it need not hear all of it
        sock.sendall(data)


def _read_head(sock: socket.socket, answer: Answer) -> bytes:
    """Take the head of an answer; what came after it."""
    data = b""
    while True:
        while HEAD_END not in data:
            part = sock.recv(65_536)
            if not part:
                answer.is_closed = True
                return data
            data += part
        head, _, data = data.partition(HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        answer.status = int(first.split(" ")[1])
        pairs = [line.partition(":") for line in lines]
        answer.headers = {name.lower(): text.strip() for name, _, text in pairs}
        if answer.status != 100:
            return data


def _read_body(sock: socket.socket, data: bytes, answer: Answer, sent: Sent) -> None:
    size = int(answer.headers.get("content-length", "-1"))
    if sent.head.startswith(b"HEAD") or answer.status in (204, 304):
        size = 0
    if size < 0 and sent.is_stream:
        sock.settimeout(MORE_S)
    with suppress(TimeoutError):
        while len(data) < size or (size < 0 and not data.endswith(b"0\r\n\r\n")):
            part = sock.recv(1 << 20)
            if not part:
                answer.is_closed = True
                break
            data += part
            if sent.is_stream and len(data) > 1 << 22:
                break
    answer.body = data


def _converse(sock: socket.socket, frames: bytes, data: bytes, answer: Answer) -> None:
    """Send frames to the feed; take what comes up to the answer to a ping, or a close."""
    _send(sock, frames)
    while True:
        opcode, used, inner = _frame(data)
        if opcode in (CLOSE, PONG) and (opcode == CLOSE or inner == b"there?"):
            answer.close_code = int.from_bytes(inner[:2], "big") if opcode == CLOSE else 0
            answer.body += inner
            return
        if used:
            answer.body += inner
            data = data[used:]
            continue
        part = sock.recv(1 << 20)
        if not part:
            answer.is_closed = True
            return
        data += part


def _frame(data: bytes) -> tuple[int, int, bytes]:
    """The first frame of a server's bytes: what it is, its length and what is in it; 0 for none."""
    if len(data) < 2:
        return 0, 0, b""
    size, at = data[1] & 0x7F, 2
    if size == 126:
        size, at = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, at = int.from_bytes(data[2:10], "big"), 10
    if len(data) < at + size:
        return 0, 0, b""
    return data[0] & 0x0F, at + size, data[at : at + size]
