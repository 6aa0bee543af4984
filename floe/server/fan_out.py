"""Data that only its own host has, collected from all hosts: each gets the same request."""

import asyncio
import json
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from floe.model.errors import FloeError
from floe.model.refs import HostId, Shape
from floe.server.app_keys import CALLER, HUB, PEERS
from floe.server.relay import request_for

ANSWER_S: Final = 3.0
"""Seconds that the other hosts may take; a slower one is reported as away."""


@dataclass(frozen=True, slots=True)
class FanOut:
    """The replies of the others."""

    shapes: tuple[Shape, ...] = ()
    away: tuple[HostId, ...] = ()
    """The hosts that did not reply."""


async def others(request: web.Request) -> FanOut:
    """The replies of all other hosts to this GET; none if another host sent it."""
    members = request.app[HUB].reads.members()
    if request[CALLER].via:
        return FanOut()
    there = [member.id for member in members if not member.stale]
    found = dict(zip(there, await asyncio.gather(*(_at(request, h) for h in there)), strict=True))
    return FanOut(
        shapes=tuple(shape for shape in found.values() if shape is not None),
        away=tuple(member.id for member in members if found.get(member.id) is None),
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
