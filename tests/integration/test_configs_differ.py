"""Hosts whose configs differ: what is said of it, and by whom a flow is known."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floe.model.flow import Flow
from floe.model.ids import FlowId, HostId
from floe.model.secret import Secret
from floe.server.settings import Bind
from tests.make import H1
from tests.make_peers import CLUSTER, H2, free_port, some_peers, url_of
from tests.make_server import BUILD, DEADLINE_S, WIDE, Site, a_site, until

pytestmark = pytest.mark.slow

MANY = tuple(replace(WIDE, id=FlowId(f"f{n}")) for n in range(5))


class Two:
    """Two hosts, each with flows of its own."""

    def __init__(self, root: Path, stack: AsyncExitStack) -> None:
        self._root = root
        self._stack = stack
        self._ports = {H1: free_port(), H2: free_port()}
        self.urls = {host: url_of(port) for host, port in self._ports.items()}

    async def start(self, **flows: tuple[Flow, ...]) -> tuple[Site, Site]:
        one, two = [await self._site(HostId(host), *given) for host, given in flows.items()]
        await until(lambda: all(site.hub.reads.others() for site in (one, two)))
        return one, two

    async def _site(self, host: HostId, *flows: Flow) -> Site:
        port = self._ports[host]
        settings = {"public": Bind(address=f"127.0.0.1:{port}"), "cluster": Secret(CLUSTER)}
        peers = some_peers(*(url for other, url in self.urls.items() if other != host))
        site = a_site(
            self._root / host,
            *flows,
            settings=settings,
            host=host,
            peers=peers,
            others=1,
            keeper=H1,
        )
        return await self._stack.enter_async_context(site)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        yield Two(tmp_path, stack)


async def said(at: Site, of: HostId, what: str, enough: Callable[[list[str]], bool]) -> list[str]:
    """The `problems` or `notes` of a host, as another one tells them, once they are enough."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, answer = await at.get("hosts")
            found: list[str] = next((h[what] for h in answer["hosts"] if h["id"] == of), [])
            if enough(found):
                return found


async def test_flow_that_only_one_host_has_is_a_note_of_the_other(two: Two) -> None:
    one, other = await two.start(h1=(BUILD, WIDE), h2=(BUILD,))

    notes = [await said(at, H2, "notes", bool) for at in (one, other)]

    problems = await said(one, H2, "problems", lambda _: True)
    assert notes == [["lacks wide@1, which other hosts have"]] * 2
    assert not any("lacks" in problem for problem in problems)


async def test_note_names_three_flows_and_how_many_more(two: Two) -> None:
    one, _ = await two.start(h1=(BUILD, *MANY), h2=(BUILD,))

    notes = await said(one, H2, "notes", bool)

    assert notes == ["lacks f0@1, f1@1, f2@1 and 2 more, which other hosts have"]


async def test_common_that_differs_is_a_note(two: Two) -> None:
    one, other = await two.start(h1=(BUILD,), h2=(BUILD,))
    one.hub.flows.book = replace(one.hub.flows.book, common={"grace": "1", "slots": "2"})
    other.hub.flows.book = replace(
        other.hub.flows.book, common={"grace": "1", "slots": "3", "hosts": "4"}
    )

    notes = await said(one, H2, "notes", lambda found: "hosts" in str(found))

    assert notes == ["its `common:` differs from this host's: hosts, slots"]


async def test_flows_with_other_bodies_are_a_problem(two: Two) -> None:
    others = tuple(replace(flow, name="other") for flow in MANY)
    one, _ = await two.start(h1=MANY, h2=others)

    problems = await said(one, H2, "problems", lambda found: "other flows" in str(found))

    assert (
        "has other flows under the same name and version: f0@1, f1@1, f2@1 and 2 more" in problems
    )


async def test_timer_that_the_keeper_does_not_know_is_a_problem(two: Two) -> None:
    _, other = await two.start(h1=(WIDE,), h2=(BUILD, WIDE))

    problems = await said(other, H2, "problems", lambda found: "keeper" in str(found))

    assert "keeper h1 lacks build@1: nothing fires their timers and polls" in problems


@pytest.mark.parametrize("name", ["wide", "wide@1"])
async def test_flow_that_another_host_has_is_reported_with_where_to_ask(
    two: Two, name: str
) -> None:
    one, other = await two.start(h1=(BUILD, WIDE), h2=(BUILD,))
    await said(other, H2, "notes", bool)

    shown = await other.get(f"flows/{name}")
    started = await other.post("push/data", {"ref": {"id": name}})

    assert shown == started
    assert (shown[0], shown[1]["detail"]) == (404, f"no flow '{name}' at h2")
    assert shown[1]["hint"] == f"h1 has it, ask there: FLOE_URL={two.urls[H1]}"
    assert one.url == two.urls[H1]


async def test_flow_that_no_host_has_is_not_found(two: Two) -> None:
    _, other = await two.start(h1=(BUILD, WIDE), h2=(BUILD,))
    await said(other, H2, "notes", bool)

    problem: Any = (await other.get("flows/builds"))[1]

    assert (problem["detail"], problem["hint"]) == ("no flow 'builds'", "did you mean build?")
