"""Requests that another host answers: relayed unchanged, the reply streamed back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import aiohttp

from floe.model.errors import HostAway, Theirs
from floe.model.ids import HostId, Instant
from floe.peers.base import BY, RELAYED, TOKEN, Answer, Hello, Request
from floe.peers.links import Link
from floe.peers.peer_problems import problem_sentence
from floe.peers.settings import PeerSettings

TICK_S: Final = 1.0
"""Seconds between two checks of the connection to the other host while no data comes."""

_KEPT: Final = (
    "Accept-Ranges",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Retry-After",
    "X-Floe-Attempt",
    "X-Floe-Live",
    "X-Floe-Size",
)
"""Headers of a reply that are relayed."""


class RelayAnswer:
    """A reply read by aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse, is_there: Callable[[], bool]) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {
            name: response.headers[name] for name in _KEPT if name in response.headers
        }
        self._response = response
        self._is_there = is_there

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece."""
        content = self._response.content
        while True:
            data = b""
            try:
                async with asyncio.timeout(TICK_S):
                    data = await content.readany()
            except TimeoutError:
                if not self._is_there():
                    raise ConnectionAbortedError(
                        "the other host does not respond any more"
                    ) from None
            except (aiohttp.ClientError, OSError) as error:
                raise ConnectionAbortedError(
                    f"the connection to the other host broke: {error}"
                ) from None
            if not data and content.at_eof():
                return
            yield data


class Relays:
    """Relays requests to a URL that leads to a host."""

    def __init__(
        self, settings: PeerSettings, contact: Callable[[HostId], tuple[bool, Instant | None]]
    ) -> None:
        """`contact`: whether a host is connected, and the time of its last message."""
        self._settings = settings
        self._contact = contact
        self._links: Sequence[Link] = ()

    def open(self, session: aiohttp.ClientSession, me: Hello, links: Sequence[Link]) -> None:
        """Start accepting requests."""
        self._session, self._me, self._links = session, me, links

    @asynccontextmanager
    async def relay(self, host: HostId, request: Request) -> AsyncIterator[Answer]:
        """Let another host answer a request. Raises HostAway, Theirs."""
        link = self._link(host)
        api = self._settings.api(link.url)
        headers = {
            **request.headers,
            "Accept-Encoding": "identity",
            TOKEN: self._settings.token.reveal(),
            BY: quote(request.by),
            RELAYED: self._me.host,
        }
        try:
            async with asyncio.timeout(self._settings.answer_s):
                response = await self._session.request(
                    request.method,
                    f"{api}/{request.path}",
                    headers=headers,
                    data=request.body or None,
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(host, problem_sentence(error)) from None
        try:
            if response.status in (401, 403):
                raise Theirs(
                    f"{host} refuses relayed requests of this host (HTTP {response.status})",
                    "give both the same --cluster-token; with a private bind, its URL in `hosts`",
                )
            yield RelayAnswer(response, lambda: self._contact(host)[0])
        finally:
            response.close()

    def _link(self, host: HostId) -> Link:
        known = [link for link in self._links if link.other and link.other.host == host]
        known = [link for link in known if not link.is_self]
        if not self._contact(host)[0]:
            raise self._away(host, "" if known else "it never replied at any URL of `hosts`")
        if not known:
            has_all = all(link.other for link in self._links)
            no_url = "no URL of `hosts` leads to it" if has_all else "no URL has led to it yet"
            raise self._away(host, f"it calls this host, but {no_url}")
        return next((link for link in known if link.is_open), known[0])

    def _away(self, host: HostId, why: str) -> HostAway:
        since = self._contact(host)[1]
        what = f"{host} is away" + (f": {why}" if why else "")
        more = "see floe hosts"
        hint = more if why else f"start it again; {more}, floe host forget {host} gives it up"
        return HostAway(what, hint, host=host, since=since)
