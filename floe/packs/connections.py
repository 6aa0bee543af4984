"""Requests over kept connections, by the standard library alone; calls that block, in threads."""

import asyncio
import contextvars
import os
import select
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

T = TypeVar("T")

Call = Callable[[], object]
Calls = SimpleQueue[Call]

IDLE_S: Final = 15.0
"""The time for which an idle connection is used again, and a thread; servers close theirs later."""

_FREE: Final[list[Calls]] = []
"""The threads of this process that wait for a call: the last one to wait gets the next."""
_LOCK: Final = threading.Lock()
os.register_at_fork(after_in_child=_FREE.clear)  # a handler may fork: no thread goes with it


class ServerReply(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes
    location: str = ""
    """Where a redirect leads to: it is not followed."""


class Unanswered(Exception):
    """A request without an answer: the server may have got it."""


class Connections:
    """Connections to a server. Any thread may ask; each request has a connection of its own."""

    def __init__(
        self,
        *,
        timeout_s: float,
        ca: str = "",
        is_insecure: bool = False,
        bytes_max: int | None = None,
    ) -> None:
        """`bytes_max`: of the body of an answer; of a larger one, one byte more is read."""
        self._timeout = timeout_s or None
        self._most = None if bytes_max is None else bytes_max + 1
        self._ca, self._is_insecure = ca, is_insecure
        self._context: ssl.SSLContext | None = None
        self._idle: list[tuple[float, tuple[str, str], HTTPConnection]] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def ask(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> ServerReply:
        """The answer. Raises Unanswered."""
        parts = urlsplit(url)
        path = quote(
            f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", safe="%/?=&:!"
        )
        at = (parts.scheme, parts.netloc)
        try:
            connection = self._connection(at)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                location = answer.headers.get("Location", "")
                reply = ServerReply(answer.status, answer.read(self._most), location)
            except BaseException:
                connection.close()
                raise
        except (OSError, HTTPException, ValueError) as error:
            raise Unanswered(f"{parts.netloc}: {str(error) or type(error).__name__}") from error
        with self._lock:
            is_kept = answer.isclosed() and not (answer.will_close or self._is_closed)
            if is_kept:
                self._idle.append((time.monotonic(), at, connection))
        if not is_kept:
            connection.close()
        return reply

    def close(self) -> None:
        """Close the idle connections; those of open requests close with their answers."""
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for _, _, connection in idle:
            connection.close()

    def _connection(self, at: tuple[str, str]) -> HTTPConnection:
        now = time.monotonic()
        with self._lock:
            old = [one for one in self._idle if now - one[0] > IDLE_S]
            self._idle = [one for one in self._idle if now - one[0] <= IDLE_S]
            found = next((one for one in reversed(self._idle) if one[1] == at), None)
            if found is not None:
                self._idle.remove(found)
        for _, _, connection in old:
            connection.close()
        if found is None:
            return self._new(*at)
        if _is_over(found[2]):
            found[2].close()
            return self._new(*at)
        return found[2]

    def _new(self, scheme: str, netloc: str) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(netloc, timeout=self._timeout)
        if self._context is None:
            context = ssl.create_default_context(cafile=self._ca or None)
            if self._is_insecure:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._context = context
        return HTTPSConnection(netloc, timeout=self._timeout, context=self._context)


def _is_over(connection: HTTPConnection) -> bool:
    """Whether the server closed an idle connection: then there is something to read."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


async def in_thread(call: Callable[[], T]) -> T:
    """The result of a call that blocks. Its thread does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = call()
        except StopIteration as stop:  # a future refuses it
            error = RuntimeError(f"StopIteration: {stop}")
        except BaseException as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(settle, result, error)

    def settle(result: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    context = contextvars.copy_context()
    _run_in_thread(lambda: context.run(work))
    return await future  # type: ignore[no-any-return]


def _run_in_thread(call: Call) -> None:
    """Run a call in a thread that has nothing to do, else in a new one."""
    with _LOCK:
        calls = _FREE.pop() if _FREE else None
    if calls is not None:
        calls.put(call)
    else:
        threading.Thread(target=_work, args=(call,), name="pack", daemon=True).start()


def _work(call: Call) -> None:
    """Run calls until there is none for a time."""
    calls: Calls = SimpleQueue()
    while True:
        call()
        with _LOCK:
            _FREE.append(calls)
        try:
            call = calls.get(timeout=IDLE_S)
        except Empty:
            with _LOCK:
                if calls in _FREE:
                    _FREE.remove(calls)
                    return
            call = calls.get()  # it came at the last moment
