"""This host's own feed for the other hosts: the events recorded here, one per line."""

import asyncio
from contextlib import aclosing
from typing import Final

from aiohttp import web

from floe.feed.stream import Reached, line_of, own_feed
from floe.feed.subscription import SubscriptionLagging
from floe.model.ids import RunRef
from floe.server.app_keys import HUB, STOPPING
from floe.server.events import SEQ_MAX
from floe.server.fields import query
from floe.server.problems import answer
from floe.server.readers import check_reader

POS_MAX: Final = 2**62

SEND_S: Final = 10.0
"""Seconds that the other end may take to read."""

SIGN_S: Final = 5.0
"""Seconds of silence after which an empty line is sent, to detect a dead connection."""


async def index(request: web.Request) -> web.StreamResponse:
    """The stream of this host: its events after a position of its store, and new ones; as text.

    Each line is `store STORE POS`, `event POS RUN EPOCH SEQ . JSON` (`+` if the pen came with the
    event), `reset POS` or `reached POS`.
    """
    fields = query(request)
    after = fields.integer("after", 0, 0, POS_MAX)
    store = fields.text("store")
    fields.done()
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    try:
        await _stream_own_feed(request, response, store, after)
    except (SubscriptionLagging, TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()  # it resumes at its own position
    return response


async def _stream_own_feed(
    request: web.Request, response: web.StreamResponse, store: str, after: int
) -> None:
    feed, stopping = request.app[HUB].reads.own_feed(), request.app[STOPPING]
    clock = asyncio.get_running_loop().time
    sent_at = clock()
    async with aclosing(own_feed(feed, store, after)) as stream:
        async for items in stream:
            if stopping.is_set():
                return
            check_reader(request)
            if not items and clock() - sent_at > SIGN_S:
                items = [Reached(0)]
            if items:
                async with asyncio.timeout(SEND_S):
                    await response.write(b"".join(map(line_of, items)))
                sent_at = clock()


async def position(request: web.Request) -> web.Response:
    """The position of an event in this host's own stream."""
    fields = query(request)
    run = RunRef.parse(fields.text("run", None))
    seq = fields.integer("seq", 1, 1, SEQ_MAX)
    fields.done()
    return answer({"pos": await request.app[HUB].reads.own_feed().position_of(run, seq)})
