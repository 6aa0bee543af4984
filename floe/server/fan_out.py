"""What only its own host knows of a run, told of all hosts at once: each is asked the same."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from floe.model.errors import FloeError
from floe.model.refs import HostId
from floe.server.app_keys import CALLER, HUB, PEERS
from floe.server.relay import request_for

ANSWER_S: Final = 3.0
"""Seconds that the others may take; who takes longer is named as away."""

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FanOut:
    """The others' answers."""

    shapes: tuple[Shape, ...] = ()
    away: tuple[HostId, ...] = ()
    """Those who did not answer."""


async def others(request: web.Request) -> FanOut:
    """What every other host answers to this very GET; nobody, where one of them asks."""
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
        return None  # it is named as away; what is wrong with it is in GET hosts
    return shape if isinstance(shape, dict) else None
