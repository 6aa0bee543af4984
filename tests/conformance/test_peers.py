"""What every implementation of the other hosts promises, shown between real servers.

The port: `floe.peers.base.Peers`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from floe.model.ids import HostId, StoreId
from floe.model.peer_message import EndedStored, Envelope, Offer
from floe.peers.base import FRAME_MAX
from tests.make import H1, a_flow
from tests.make_peers import (
    H2,
    Host,
    a_hello,
    a_host,
    a_ping,
    an_offer,
    free_port,
    some_peers,
    url_of,
)
from tests.make_server import until

MARK = EndedStored(run="h1-9@k3f9", epoch=9)
"""Item last, so that what would have come before it has."""


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def pair(tmp_path: Path, stack: AsyncExitStack) -> tuple[Host, Host]:
    """Two hosts with the same list of hosts, who have met."""
    ports = free_port(), free_port()
    urls = [url_of(port) for port in ports]
    one = await stack.enter_async_context(a_host(tmp_path, H1, ports[0], *urls))
    two = await stack.enter_async_context(a_host(tmp_path, H2, ports[1], *urls))
    await one.meets(H2)
    await two.meets(H1)
    return one, two


async def test_a_message_arrives_as_it_was_sent(pair: tuple[Host, Host]) -> None:
    one, two = pair

    said = one.send(an_offer(), two)
    await until(lambda: bool(two.received))

    assert two.received == [said]


async def test_a_host_answers_one_whose_url_it_does_not_know(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    two = await stack.enter_async_context(a_host(tmp_path, H2, port))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    await two.meets(H1)

    said = two.send(a_ping(), one)
    await until(lambda: bool(one.received))

    assert one.received == [said]


async def test_messages_to_all_reach_each_host_once(pair: tuple[Host, Host]) -> None:
    one, two = pair

    said = [one.send(a_ping()), one.send(MARK)]
    await until(lambda: len(two.received) == 2)

    assert two.received == said
    assert one.received == []


async def test_who_is_met_later_receives_the_newest_ping(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    one.send(a_ping(at=1))
    newest = one.send(a_ping(at=2))

    two = await stack.enter_async_context(a_host(tmp_path, H2, port))
    await until(lambda: bool(two.received))

    assert two.received == [newest]


async def test_a_message_to_a_host_that_was_never_met_is_lost(pair: tuple[Host, Host]) -> None:
    one, two = pair

    one.send(an_offer(), HostId("h9"))
    mark = one.send(MARK, two)
    await until(lambda: bool(two.received))

    assert (two.received, one.unsent) == ([mark], [])


async def test_a_message_to_the_store_that_a_host_lost_reaches_the_new_one(
    pair: tuple[Host, Host],
) -> None:
    one, two = pair
    lost = Host(a_hello(H2, StoreId("l0st")), two.peers, two.site)

    said = one.send(MARK, lost)
    await until(lambda: bool(two.received))

    assert two.received == [said]


async def test_a_message_that_fits_no_frame_ends_nothing(pair: tuple[Host, Host]) -> None:
    one, two = pair

    one.send(Offer(run="h1-1@k3f9", epoch=1, facts=(), flow=a_flow(), digest="x" * FRAME_MAX), two)
    mark = one.send(MARK, two)
    await until(lambda: bool(two.received))

    assert two.received == [mark]


async def test_peers_that_are_not_open_send_nothing_and_close_twice() -> None:
    peers = some_peers(url_of(free_port()))

    peers.send(Envelope(from_host=H1, from_store=StoreId("k3f9"), message=MARK))
    await peers.close()
    await peers.close()

    assert peers.seen() == ()


async def test_an_offer_to_a_host_that_is_gone_is_reported_as_unsent(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    async with a_host(tmp_path, H2, port) as two:
        await one.meets(H2)

    said = one.send(an_offer(), two)
    await until(lambda: bool(one.unsent))

    assert one.unsent == [said]


async def test_an_offer_that_was_reported_as_unsent_is_never_sent(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    async with a_host(tmp_path, H2, port, store="k3f9") as gone:
        await one.meets(H2)
    one.send(an_offer(epoch=1), gone)
    await until(lambda: bool(one.unsent))

    two = await stack.enter_async_context(a_host(tmp_path, H2, port, store="k3f9"))
    await one.meets(H2)
    one.send(an_offer(epoch=1), two)
    later = one.send(an_offer(epoch=2), two)
    await until(lambda: bool(two.received))

    assert two.received == [later]


async def test_an_offer_that_was_written_once_is_never_reported_as_unsent(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    async with a_host(tmp_path, H2, port) as two:
        await one.meets(H2)
        one.send(an_offer("h1-1@k3f9"), two)
        await until(lambda: bool(two.received))

    one.send(an_offer("h1-1@k3f9"), two)
    other = one.send(an_offer("h1-2@k3f9"), two)
    await until(lambda: bool(one.unsent))

    assert one.unsent == [other]


async def test_an_offer_of_an_earlier_process_is_never_reported_as_unsent(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    sent = [("h1-1@k3f9", 1)]
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(port), sent=sent)
    )
    async with a_host(tmp_path, H2, port) as two:
        await one.meets(H2)

    one.send(an_offer("h1-1@k3f9"), two)
    other = one.send(an_offer("h1-2@k3f9"), two)
    await until(lambda: bool(one.unsent))

    assert one.unsent == [other]


async def test_a_host_that_comes_back_is_met_again(tmp_path: Path, stack: AsyncExitStack) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    async with a_host(tmp_path, H2, port):
        await one.meets(H2)
    await until(lambda: not one.at(url_of(port)).is_open)

    two = await stack.enter_async_context(a_host(tmp_path, H2, port))
    await one.meets(H2)
    said = one.send(MARK, two)
    await until(lambda: bool(two.received))

    assert two.received == [said]
    assert one.at(url_of(port)).problem == ""
