"""A write that events are judged by is answered when the hosts that answer have it.

Else a pack whose event goes to a different host right after might be judged without it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from floe.host.peers.member import Member
from floe.hub.hub import Hub
from floe.kernel.place import HOST_STALE_S
from floe.model.errors import HostAway, Theirs
from floe.model.ids import HostId
from floe.peers.base import Peers, Request
from floe.server.app_keys import HUB
from floe.server.problems import answer

PATH: Final = "peer/flyte/copy"
"""The route of the other hosts."""

WAIT_MS: Final = 5000
PAUSE_S: Final = 0.25

WHY_NOT: Final[Mapping[int, str]] = {
    200: "",
    404: "",
    503: "it does not reach the keeper, or its disk or database refuses writes",
}
"""Why a host has not copied all rows, by the status of its answer. One without the route is of an
earlier version, and judges no events."""

Pause = Callable[[float], Awaitable[None]]


class Copies:
    """The copies of the shared rows at the other hosts."""

    def __init__(self, hub: Hub, peers: Peers | None, pause: Pause = asyncio.sleep) -> None:
        """`peers` is None for a single host."""
        self._hub = hub
        self._peers = peers
        self._pause = pause
        self._begun_at = hub.clock.now()

    async def settle(self) -> None:
        """Wait until each host that answers has all rows that were written. Raises HostAway.

        A host that is called away copies them before it judges an event again.
        """
        for member in self._hub.reads.members() if self._peers else ():
            await self._settle_at(member.id)

    async def _settle_at(self, host: HostId) -> None:
        clock = self._hub.clock
        since = clock.now()
        while True:
            member = self._hub.loop.core.members.get(host)
            if member is None or self._is_away(member) or not (why := await self._lag(host)):
                return
            if clock.now() - since >= WAIT_MS:
                break
            await self._pause(PAUSE_S)
        hint = "it is stored: send it again, which changes nothing but waits for that host"
        raise HostAway(f"{host} has not copied this yet: {why}", hint, host=host)

    def _is_away(self, member: Member) -> bool:
        """Whether a host was silent for as long as it takes to call it away. At the start of this
        one it has sent nothing yet."""
        age_ms = self._hub.clock.now() - self._begun_at
        return member.stale and age_ms >= HOST_STALE_S * 1000

    async def _lag(self, host: HostId) -> str:
        """Why a host has not copied all rows; empty if it has."""
        assert self._peers is not None, "a single host waits for none"
        request = Request(method="PUT", path=PATH, by="flyte")
        try:
            async with self._peers.relay(host, request) as reply:
                return WHY_NOT.get(reply.status, f"it answers {reply.status}")
        except (ConnectionError, HostAway, Theirs) as error:
            return str(error)


async def serve(request: web.Request) -> web.Response:
    """Copy all rows here, for a host that has written some. Raises KeeperAway, Busy."""
    await request.app[HUB].shared.catch_up("row")
    return answer({})
