"""Problems of other hosts, as sentences; each is logged once, not at every attempt."""

import asyncio
import errno
from collections.abc import Mapping
from typing import Final

import aiohttp
import structlog

from floe.peers.base import Protocols

log = structlog.get_logger()

PROBLEMS_MAX: Final = 1_000
"""Problems remembered; beyond that, the oldest is dropped."""


class NotFloe(aiohttp.ClientError):
    """Problem of a peer's URL: a server replies that is not floe."""


class PeerProblems:
    """The present problems, by URL or caller; one log line when a problem starts or ends."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}

    def __getitem__(self, key: str) -> str:
        return self._now.get(key, "")

    def all(self) -> tuple[tuple[str, str], ...]:
        """The URLs or callers with a problem, and the problem."""
        return tuple(self._now.items())

    def begin(self, key: str, what: str) -> None:
        """Record a problem; logged again only if it changes."""
        if self._now.pop(key, None) != what:
            log.warning("peer.problem", peer=key, problem=what)
        self._now[key] = what
        if len(self._now) > PROBLEMS_MAX:
            del self._now[next(iter(self._now))]

    def end(self, key: str) -> None:
        """The problem is over."""
        if what := self._now.pop(key, None):
            log.info("peer.problem_over", peer=key, problem=what)


def is_refused(error: BaseException) -> bool:
    """Whether the problem is that every address refused the connection: no byte was sent."""
    return isinstance(error, aiohttp.ClientConnectorError) and (
        error.os_error.errno == errno.ECONNREFUSED
    )


def problem_sentence(error: BaseException) -> str:
    """The problem of a peer, as a sentence: why a connection to it was not established."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {error.certificate_error}"
        case aiohttp.ClientSSLError():
            return f"TLS failed: {error.os_error.strerror or error}"
        case aiohttp.ClientConnectorDNSError():
            return "unknown host name"
        case aiohttp.ClientConnectorError() if is_refused(error):
            return "connection refused: no floe runs there"
        case aiohttp.ClientConnectorError():
            return f"cannot be reached: {error.os_error.strerror or error}"
        case aiohttp.WSServerHandshakeError():
            return _answered(error.status, error.headers or {})
        case NotFloe():
            return f"answers, but is not floe: {error}"
        case asyncio.TimeoutError():
            return "no reply in time"
        case aiohttp.ServerDisconnectedError():
            return "answers, but is not floe: it closes the connection"
        case aiohttp.ClientResponseError():
            return "answers, but is not floe: no HTTP, or HTTPS at an http:// URL"
        case OSError():
            return f"the connection broke: {error.strerror or error}"
        case _:
            return f"the connection failed: {error}"


def mismatch(theirs: Protocols, ours: Protocols) -> str:
    """The problem of two peers without a common protocol version."""
    return f"speaks protocol {theirs}, this host {ours}: give both the same version of floe"


def _answered(status: int, headers: Mapping[str, str]) -> str:
    if headers.get("Server") != "floe":
        return f"answers, but is not floe (HTTP {status})"
    match status:
        case 401:
            return "refuses this cluster token; or hosts must connect to its private address"
        case 429:
            return "received too many wrong tokens from this address, and refuses more for a while"
        case 503:
            return "is starting or stopping"
        case 409:
            return "is a floe without a cluster: give it `hosts` too"
        case _:
            return f"is a floe, but not at this path (HTTP {status}): check the path of the URL"
