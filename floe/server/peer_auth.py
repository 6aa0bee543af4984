"""Admission of other hosts: by the cluster's token only, at the private address if there is one."""

import asyncio
import hmac
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

import structlog
from aiohttp import web

from floe.model.errors import Denied
from floe.model.nouns import dataclass
from floe.peers.base import BY, RELAYED, TOKEN, Peers
from floe.server.problems import Throttled
from floe.server.settings import ServerSettings
from floe.server.throttle import Throttle

log = structlog.get_logger()

BY_MAX: Final = 200
"""Characters of a name in a request between hosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The user for whom an authenticated peer relays a request."""

    by: str
    via: str
    """The relaying host."""


class PeerAuth:
    """Admits other hosts."""

    def __init__(self, settings: ServerSettings, peers: Peers | None) -> None:
        self._key = sha256(settings.cluster.reveal().encode()).digest()
        self._is_shut = not settings.cluster
        self._has_address = settings.private is not None
        self._peers = peers
        self._wrong = Throttle(settings.wrong_tries, settings.throttle_s)
        self.addresses: set[tuple[str, int]] = set()
        """Addresses for hosts if there is a private address, an empty host for any. Until they are
        known, no host is admitted."""

    def admit(self, request: web.Request) -> None:
        """Admit another host. Raises Denied or Throttled."""
        if self._is_shut or not self._is_at(request):
            raise Denied("credentials are needed")
        address, now = request.remote or "", asyncio.get_running_loop().time()
        if wait_s := self._wrong.wait_s(address, now):
            raise Throttled(wait_s)
        text = request.headers.get(TOKEN, "")
        if not hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._key):
            if text:
                self._wrong.failed(address, now)
                self._report(request)
            raise Denied("wrong credentials")

    def passed(self, request: web.Request) -> Passed:
        """The user for whom a host relays. Raises Denied or Throttled."""
        self.admit(request)
        by, via = unquote(request.headers.get(BY, "")), request.headers.get(RELAYED, "")
        if not by or not via or len(by) > BY_MAX or not by.isprintable():
            raise Denied(f"missing {BY}: a relayed request must name the user it acts for")
        return Passed(by=by, via=via)

    def _is_at(self, request: web.Request) -> bool:
        if not self._has_address:
            return True
        at = request.transport.get_extra_info("sockname") if request.transport else None
        return at is not None and not self.addresses.isdisjoint({at[:2], ("", at[1])})

    def _report(self, request: web.Request) -> None:
        address = request.remote or ""
        if self._peers is not None:
            self._peers.turned_away(request.headers, address, "calls with a wrong cluster token")
        else:
            log.warning("peer.denied", peer=address)
