"""One request to a server: with a limit of time for the whole of it, and of the answer."""

import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote, urlsplit

from floe.packs.connections import Unanswered

CHUNK: Final = 65_536
ANSWER_BYTES_MAX: Final = 1_048_576
TRIES_MAX: Final = 4
PAUSE_MAX_S: Final = 60.0
"""The longest pause that a server may ask for; after a longer one the answer is final."""

Allowed = Callable[[str], None]
"""Raises for the IP address of a server that the request must not reach."""


@dataclass(frozen=True)
class WebRequest:
    """A request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = None
    timeout_s: float = 10


@dataclass(frozen=True)
class WebAnswer:
    """The answer to a request. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool
    """Whether the body is longer than what was read of it."""


def ask(
    asked: WebRequest, *, allowed: Allowed | None = None, bytes_max: int = ANSWER_BYTES_MAX
) -> WebAnswer:
    """The answer of a server; a redirect is one. Raises Unanswered, and ValueError for no URL.

    A name is resolved once: the connection goes to the address that was allowed.
    """
    parts = urlsplit(asked.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{asked.url!r} is no URL of http or https")
    path = quote(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", safe="%/?=&:!,+@")
    deadline = time.monotonic() + asked.timeout_s
    connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    host, port = parts.hostname, parts.port or connection.default_port
    is_late = threading.Event()
    try:
        sock = _connected(host, port, asked.timeout_s, allowed)
        if parts.scheme == "https":
            sock = _context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        # A server that sends a byte now and then would keep each read from its own timeout.
        guard = threading.Timer(max(0.0, deadline - time.monotonic()), _end, (sock, is_late))
        guard.daemon = True
        guard.start()
        try:
            with sock, closing(connection(host, port)) as client:
                if isinstance(sock, ssl.SSLSocket):
                    sock.do_handshake()
                client.sock = sock
                client.request(asked.method, path, asked.body, dict(asked.headers))
                with client.getresponse() as answer:
                    body, is_cut = _body(answer, bytes_max)
        finally:
            guard.cancel()
    except (OSError, HTTPException) as error:
        if is_late.is_set():
            raise Unanswered(f"{host}:{port}: no answer within {asked.timeout_s:g} s") from error
        raise Unanswered(f"{host}:{port}: {str(error) or type(error).__name__}") from error
    if is_late.is_set():
        raise Unanswered(f"{host}:{port}: no answer within {asked.timeout_s:g} s")
    return WebAnswer(answer.status, _headers(answer), body, is_cut)


def ask_again(asked: WebRequest, is_open: Callable[[WebAnswer | None], bool]) -> WebAnswer:
    """The answer of a server, asked again after a pause while the answer leaves it open.

    `is_open` gets None where there was no answer. The pause is what `Retry-After` names, up to a
    minute. Raises Unanswered.
    """
    for number in range(1, TRIES_MAX):
        try:
            answer = ask(asked)
        except Unanswered:
            if not is_open(None):
                raise
            time.sleep(_pause_s("", number))
            continue
        pause_s = _pause_s(answer.headers.get("retry-after", ""), number)
        if not is_open(answer) or pause_s > PAUSE_MAX_S:
            return answer
        time.sleep(pause_s)
    return ask(asked)


def _pause_s(retry_after: str, number: int) -> float:
    if retry_after.isdecimal():
        return float(retry_after)
    return float(2**number) * random.uniform(0.25, 0.5)  # noqa: S311  # not a secret


def _connected(host: str, port: int, timeout_s: float, allowed: Allowed | None) -> socket.socket:
    """A connection to the first address that takes one."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    if allowed is not None:
        for address in addresses:
            allowed(address)
    error: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout_s)
        except OSError as refused:
            error = refused
    raise error or OSError("the name has no address")


@cache
def _context() -> ssl.SSLContext:
    """Certificates of the system, and those that SSL_CERT_FILE names."""
    return ssl.create_default_context()


def _end(connection: socket.socket, is_late: threading.Event) -> None:
    """End a connection that another thread reads, below TLS, which is not safe for two threads."""
    is_late.set()
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # it has ended


def _body(answer: HTTPResponse, bytes_max: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    left = bytes_max + 1
    while left > 0 and (chunk := answer.read(min(CHUNK, left))):
        parts.append(chunk)
        left -= len(chunk)
    body = b"".join(parts)
    return body[:bytes_max], len(body) > bytes_max


def _headers(answer: HTTPResponse) -> dict[str, str]:
    found: dict[str, Any] = {}
    for name, value in answer.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
