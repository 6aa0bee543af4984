"""What every implementation of the other hosts promises, shown between two real servers.

The port: `floe.peers.base.Peers`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.make import H1
from tests.make_peers import H2, Host, a_host, an_offer, free_port, url_of
from tests.make_server import until


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Host, Host]]:
    """Two hosts with the same list of hosts, who have met."""
    ports = free_port(), free_port()
    urls = [url_of(port) for port in ports]
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(a_host(tmp_path, H1, ports[0], *urls))
        two = await stack.enter_async_context(a_host(tmp_path, H2, ports[1], *urls))
        await one.meets(H2)
        await two.meets(H1)
        yield one, two


async def test_a_word_arrives_as_it_was_said(pair: tuple[Host, Host]) -> None:
    one, two = pair

    said = one.say(an_offer(), two)
    await until(lambda: bool(two.heard))

    assert two.heard == [said]
