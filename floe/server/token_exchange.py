"""Sessions and personal tokens count at every host: each host takes the changes of the others.

A host asks each connected host for the changes after the last one that it has; the reply comes as
soon as there is one. So a new token counts everywhere, and a revoked one nowhere, within moments. A
host that is cut off continues with what it has until it is connected again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web

from floe.model.codec import decode, encode
from floe.model.errors import FloeError, HostAway
from floe.model.ids import HostId
from floe.peers.base import Peers, Request
from floe.server.app_keys import AUTH, STOPPING
from floe.server.fields import query
from floe.server.problems import answer, problem
from floe.server.token import TokenChange
from floe.server.tokens import Tokens

log = structlog.get_logger()

Keep = Callable[[str, Callable[[], Awaitable[None]]], asyncio.Task[None]]

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
    """The changes of tokens after a number of a process, as soon as there are any; for peers."""
    asked = query(request)
    after, process = asked.integer("after", 0, 0, LATEST_MAX), asked.text("process")
    asked.done()
    if request.app[STOPPING].is_set():
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "this host is stopping")
    tokens = request.app[AUTH].tokens
    after = after if process == tokens.process else 0
    changes, latest = tokens.changes(after, CHANGES_MAX)
    if not changes:
        await tokens.wait_changed(WAIT_S)
        changes, latest = tokens.changes(after, CHANGES_MAX)
    return answer(
        {"process": tokens.process, "after": latest, "changes": [encode(one) for one in changes]}
    )


class TokenExchange:
    """Takes the changes of all other hosts from `open` to `close`."""

    def __init__(self, tokens: Tokens, peers: Peers, keep: Keep) -> None:
        """`keep` is that of the hub."""
        self._tokens = tokens
        self._peers = peers
        self._keep = keep
        self._looking: asyncio.Task[None] | None = None
        self._following: dict[HostId, asyncio.Task[None]] = {}

    def open(self) -> None:
        """Begin to follow every host that is connected."""
        self._looking = self._keep("search for hosts with other tokens", self._look)

    async def close(self) -> None:
        """Follow no host any more. Idempotent."""
        tasks = [*filter(None, (self._looking,)), *self._following.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _look(self) -> None:
        while True:
            for one in self._peers.seen():
                if one.host is not None and one.is_open and not one.is_self:
                    self._follow(one.host)
            await asyncio.sleep(LOOK_S)

    def _follow(self, host: HostId) -> None:
        if host in self._following and not self._following[host].done():
            return
        name, work = f"exchange of tokens with {host}", partial(self._take, host)
        self._following[host] = self._keep(name, work)

    async def _take(self, host: HostId) -> None:
        """Take the changes of a host until it is away or stops."""
        process, after = "", 0
        try:
            while True:
                path = f"peer/tokens?after={after}&process={process}"
                asked = Request(method="GET", path=path, by="floe")
                async with self._peers.relay(host, asked) as reply:
                    body = b"".join([data async for data in reply.chunks()])
                if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
                    return
                shape: dict[str, Any] = json.loads(body)
                changes = [decode(TokenChange, one) for one in shape["changes"]]
                await self._tokens.take(changes)
                process, after = str(shape["process"]), int(shape["after"])
        except (ConnectionError, HostAway):
            return  # it is asked again once it is connected
        except (FloeError, KeyError, TypeError, ValueError) as error:
            log.debug("tokens.not_exchanged", host=host, error=repr(error))
            await asyncio.sleep(PAUSE_S)
