"""Data that only its own host has, collected from all hosts: each gets the same request.

The last reply of each host is kept for the time while it is away: what was known then is still the
best knowledge there is.
"""

import asyncio
import json
from typing import Final

from aiohttp import web

from floe.model.errors import FloeError
from floe.model.ids import HostId, Instant, Shape
from floe.model.nouns import dataclass
from floe.server.app_keys import CALLER, HUB, PEERS
from floe.server.relay import request_for

ANSWER_S: Final = 3.0
"""Seconds that the other hosts may take; a slower one is reported as away."""


@dataclass(frozen=True, slots=True)
class LastReply:
    """A reply that a host gave to an earlier fan-out, before it went away."""

    shape: Shape
    at: Instant


LastReplies = dict[tuple[str, HostId], LastReply]
"""By path and host."""

LAST_REPLIES: Final[web.AppKey[LastReplies]] = web.AppKey("last_replies", dict)


@dataclass(frozen=True, slots=True)
class FanOut:
    """The replies of the others."""

    shapes: tuple[Shape, ...] = ()
    away: tuple[HostId, ...] = ()
    """The hosts that did not reply."""
    earlier: tuple[LastReply, ...] = ()
    """The last replies of those, as far as there are any since this host started."""


async def others(request: web.Request) -> FanOut:
    """Fan out a GET: the replies of all other hosts; none if another host sent it."""
    reads, kept = request.app[HUB].reads, request.app[LAST_REPLIES]
    members = reads.members()
    if request[CALLER].via:
        return FanOut()
    there = [member.id for member in members if not member.stale]
    found = dict(zip(there, await asyncio.gather(*(_at(request, h) for h in there)), strict=True))
    now = reads.now()
    for host, shape in found.items():
        if shape is not None:
            kept[request.path, host] = LastReply(shape, now)
    away = tuple(member.id for member in members if found.get(member.id) is None)
    return FanOut(
        shapes=tuple(shape for shape in found.values() if shape is not None),
        away=away,
        earlier=tuple(kept[request.path, host] for host in away if (request.path, host) in kept),
    )


async def _at(request: web.Request, host: HostId) -> Shape | None:
    try:
        async with (
            asyncio.timeout(ANSWER_S),
            request.app[PEERS].relay(host, request_for(request)) as answer,
        ):
            body = b"".join([chunk async for chunk in answer.chunks()])
            shape = json.loads(body) if answer.status == 200 else None
    except (FloeError, ConnectionError, TimeoutError, ValueError):
        return None  # it is reported as away; GET hosts has the reason
    return shape if isinstance(shape, dict) else None
