"""What can be wrong with another host, as a sentence; each is logged once, not once per try."""

import asyncio
import errno
from collections.abc import Mapping
from typing import Final

import aiohttp
import structlog

from floe.peers.base import Protocols

log = structlog.get_logger()

PROBLEMS_MAX: Final = 1_000
"""Problems remembered; beyond, the oldest is forgotten."""


class NotFloe(aiohttp.ClientError):
    """Something answers, and it is not floe."""


class Problems:
    """What is wrong now, by URL or by who called; one line of log when it begins or ends."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}

    def __getitem__(self, key: str) -> str:
        return self._now.get(key, "")

    def all(self) -> tuple[tuple[str, str], ...]:
        """Where something is wrong, and what."""
        return tuple(self._now.items())

    def begin(self, key: str, what: str) -> None:
        """Something is wrong; said again only when it becomes something else."""
        if self._now.pop(key, None) != what:
            log.warning("peer.problem", peer=key, problem=what)
        self._now[key] = what
        if len(self._now) > PROBLEMS_MAX:
            del self._now[next(iter(self._now))]

    def end(self, key: str) -> None:
        """Nothing is wrong any more."""
        if what := self._now.pop(key, None):
            log.info("peer.problem_over", peer=key, problem=what)


def is_refused(error: BaseException) -> bool:
    """Nobody listens at any address of that name: not one byte was sent."""
    return isinstance(error, aiohttp.ClientConnectorError) and (
        error.os_error.errno == errno.ECONNREFUSED
    )


def sentence(error: BaseException) -> str:
    """Why a connection did not come about."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {error.certificate_error}"
        case aiohttp.ClientSSLError():
            return f"TLS fails: {error.os_error.strerror or error}"
        case aiohttp.ClientConnectorDNSError():
            return "there is no such name"
        case aiohttp.ClientConnectorError() if is_refused(error):
            return "connection refused: no floe runs there"
        case aiohttp.ClientConnectorError():
            return f"cannot be reached: {error.os_error.strerror or error}"
        case aiohttp.WSServerHandshakeError():
            return _answered(error.status, error.headers or {})
        case NotFloe():
            return f"answers, but is not floe: {error}"
        case asyncio.TimeoutError():
            return "no answer in time"
        case aiohttp.ServerDisconnectedError():
            return "answers, but is not floe: it closes the connection"
        case aiohttp.ClientResponseError():
            return "answers, but is not floe: no HTTP, or HTTPS where HTTP is asked for"
        case OSError():
            return f"the connection breaks: {error.strerror or error}"
        case _:
            return f"the connection fails: {error}"


def mismatch(theirs: Protocols, ours: Protocols) -> str:
    """What hosts of two versions say of one another."""
    return f"speaks protocol {theirs}, this host {ours}: give both the same version of floe"


def _answered(status: int, headers: Mapping[str, str]) -> str:
    if headers.get("Server") != "floe":
        return f"answers, but is not floe (HTTP {status})"
    match status:
        case 401:
            return "takes no such cluster token; or it is a private bind that is to be called"
        case 429:
            return "was shown too many wrong tokens from this address, and waits"
        case 503:
            return "is starting or stopping"
        case 409:
            return "is a floe without other hosts: give it `hosts` of its own"
        case _:
            return f"is a floe, but its hosts do not come in at this path (HTTP {status})"
