"""The tries of a link to a host that does not answer yet."""

import asyncio
from collections.abc import Callable

import aiohttp

from floe.model.ids import StoreId
from floe.model.secret import Secret
from floe.peers.base import Hello
from floe.peers.http import wall_now
from floe.peers.links import Link
from floe.peers.peer_problems import PeerProblems
from floe.peers.settings import PeerSettings
from floe.peers.sockets import ClientSocket
from tests.make import H1
from tests.make_peers import CLUSTER, a_hello, free_port, url_of
from tests.make_server import until

LONG_AWAY = 20
"""Tries after which the next one is due in a quarter of an hour, with a first delay of 1 ms."""


async def test_link_to_a_host_that_was_long_away_tries_often_again_once_it_may_start() -> None:
    settings = PeerSettings(token=Secret(CLUSTER), backoff_first_s=0.001, backoff_max_s=3600)
    me = a_hello(H1, StoreId("k3f9"))
    link = Link(url_of(free_port()), me, settings, PeerProblems(), wall_now)
    failures = 0

    def failed(link: Link) -> None:
        nonlocal failures
        failures += 1
        if failures < LONG_AWAY:
            link.want()

    async def carry(other: Hello, socket: ClientSocket, lives: Callable[[], None]) -> str:
        raise AssertionError("nobody is there")

    async with aiohttp.ClientSession() as session:
        task = asyncio.create_task(link.keep(session, carry, failed))
        await until(lambda: failures == LONG_AWAY)
        link.renew()
        await until(lambda: failures >= LONG_AWAY + 5)
        task.cancel()
        await asyncio.wait([task])
