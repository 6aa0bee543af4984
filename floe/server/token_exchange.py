"""Sessions and personal tokens count at every host: each host takes the changes of the others.

A host asks each connected host for the changes after the last one that it has; the reply comes as
soon as there is one. So a new token counts everywhere, and a revoked one nowhere, within moments. A
host that is cut off continues with what it has until it is connected again.
"""

import asyncio
import json
from typing import Any, Final

import structlog
from aiohttp import web

from floe.model.codec import decode, encode
from floe.model.errors import FloeError, HostAway
from floe.model.refs import HostId
from floe.peers.base import Peers, Request
from floe.server.app_keys import AUTH, STOPPING
from floe.server.bodies import query
from floe.server.problems import answer
from floe.server.token import TokenChange
from floe.server.tokens import Tokens

log = structlog.get_logger()

LOOK_S: Final = 1.0
"""Seconds between two looks for hosts that have connected."""

WAIT_S: Final = 10.0
"""Seconds that a request for changes waits for one."""

PAUSE_S: Final = 30.0
"""Seconds before a host is asked again whose reply is not understood, as that of an older floe."""

CHANGES_MAX: Final = 500
"""Of one reply."""

LATEST_MAX: Final = 2**53
"""The largest number of a change that a request may name: JSON keeps all below it exact."""


async def serve(request: web.Request) -> web.Response:
    """The changes after a number of a process, as soon as there are any; for other hosts."""
    asked = query(request)
    after, process = asked.integer("after", 0, 0, LATEST_MAX), asked.text("process")
    asked.done()
    tokens = request.app[AUTH].tokens
    after = after if process == tokens.process else 0
    changes, latest = tokens.changes(after, CHANGES_MAX)
    if not changes and not request.app[STOPPING].is_set():
        await tokens.wait_changed(WAIT_S)
        changes, latest = tokens.changes(after, CHANGES_MAX)
    return answer(
        {"process": tokens.process, "after": latest, "changes": [encode(one) for one in changes]}
    )


class TokenExchange:
    """Takes the changes of all other hosts while it runs."""

    def __init__(self, tokens: Tokens, peers: Peers) -> None:
        self._tokens = tokens
        self._peers = peers

    async def run(self) -> None:
        """Follow every host that is connected; until cancelled."""
        following: dict[HostId, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                for one in self._peers.seen():
                    if one.host is None or one.is_self or not one.is_open:
                        continue
                    if one.host not in following or following[one.host].done():
                        following[one.host] = tasks.create_task(self._follow(one.host))
                await asyncio.sleep(LOOK_S)

    async def _follow(self, host: HostId) -> None:
        process, after = "", 0
        try:
            while True:
                path = f"peer/tokens?after={after}&process={process}"
                asked = Request(method="GET", path=path, by="floe")
                async with self._peers.relay(host, asked) as reply:
                    body = b"".join([data async for data in reply.chunks()])
                shape: dict[str, Any] = json.loads(body)
                changes = [decode(TokenChange, one) for one in shape["changes"]]
                await self._tokens.take(changes)
                process, after = str(shape["process"]), int(shape["after"])
        except (ConnectionError, HostAway):
            return  # it is asked again once it is connected
        except (FloeError, KeyError, TypeError, ValueError) as error:
            log.debug("tokens.not_exchanged", host=host, error=repr(error))
            await asyncio.sleep(PAUSE_S)
