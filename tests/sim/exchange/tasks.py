"""Coroutines of the real code without an event loop: each waits for the world alone."""

from collections.abc import Callable, Coroutine, Generator, Mapping
from typing import Any, Final

from floe.host.inputs import Input
from floe.model.ids import HostId, RunRef
from floe.peers.base import Request
from floe.server.app_keys import BODY


class Ask:
    """Wait for the reply of the core to an input."""

    def __init__(self, input: Input, run: RunRef | None) -> None:
        self.input, self.run = input, run

    def __await__(self) -> Generator["Ask", Any, Any]:
        return (yield self)


class Relay:
    """Wait for the answer of a different host to a request: its status and body."""

    def __init__(self, host: HostId, request: Request) -> None:
        self.host, self.request = host, request

    def __await__(self) -> Generator["Relay", Any, Any]:
        return (yield self)


class Pause:
    """Wait for a while."""

    def __init__(self, seconds: float) -> None:
        self.ms = int(seconds * 1000)

    def __await__(self) -> Generator["Pause", Any, Any]:
        return (yield self)


async def pause(seconds: float) -> None:
    """Wait for a while."""
    await Pause(seconds)


class Task:
    """A coroutine at work for a caller, at one process of a host."""

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        wait: Callable[["Task", Ask | Relay | Pause], None],
        done: Callable[[Any], None],
        dropped: Callable[[], None],
    ) -> None:
        """`wait` has the task resumed later, `done` gets its result; `dropped` is called if its
        process ends before."""
        self._coroutine: Final = coroutine
        self._wait, self._done, self._dropped = wait, done, dropped
        self.take = ""
        """The name of the take that it made; empty for none."""

    def resume(self, value: object = None, error: Exception | None = None) -> None:
        """Go on with what was waited for."""
        try:
            waits = self._coroutine.throw(error) if error else self._coroutine.send(value)
        except StopIteration as over:
            self._done(over.value)
        else:
            self._wait(self, waits)

    def drop(self) -> None:
        """End with the process that it was in."""
        self._coroutine.close()
        self._dropped()


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as over:
        return over.value
    raise AssertionError("it waits")


class Link:
    """The connection of a request."""

    def __init__(self) -> None:
        self.is_gone = False
        """Its client is gone, and the host knows it."""

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.is_gone


class Call(dict[Any, Any]):
    """What the handlers read of a request."""

    def __init__(self, body: bytes = b"null", **matched: str) -> None:
        super().__init__({BODY: body})
        self.app: Mapping[Any, Any] = {}
        self.match_info = matched
        self.query: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.host, self.scheme, self.path = "flyte", "http", ""
        self.content_type = "application/json"
        self.link = Link()

    @property
    def transport(self) -> Link | None:
        """The connection; None once it is closed."""
        return None if self.link.is_gone else self.link
