"""Child runs over the API and in the feed: linked with their parents, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.children import SubFlow
from floe.model.ids import FlowId
from tests.make import a_flow, a_node
from tests.make_server import DEADLINE_S, Site, a_site, until
from tests.schemas import check

DEPLOY = a_flow(a_node("copy"), id=FlowId("deploy"))
RELEASE = a_flow(a_node("go", SubFlow(flow="deploy")), id=FlowId("release"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, RELEASE, DEPLOY) as site:
        yield site


async def with_child(site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """The page of a run whose child has a command, and the page of the child."""
    run = (await site.hub.trigger("release", values={}, by="test")).id
    await until(lambda: bool(site.hands.actions))
    _, parent = await site.get(f"runs/{run}")
    _, child = await site.get(f"runs/{parent['children'][0]['run']}")
    return check(parent, "Run"), check(child, "Run")


async def test_parent_and_child_name_each_other(site: Site) -> None:
    parent, child = await with_child(site)

    assert parent["children"] == [{"run": child["id"], "node": "go", "item": None}]
    assert child["parent"] == {"run": parent["id"], "node": "go", "item": None, "waits": True}
    assert (parent["parent"], child["children"]) == (None, [])


async def test_node_names_the_child_of_its_attempt(site: Site) -> None:
    parent, child = await with_child(site)

    _, node = await site.get(f"runs/{parent['id']}/nodes/go")

    assert (node["state"], node["child"]) == ("running", child["key"])


async def test_feed_sends_the_child_with_the_change_of_its_node(site: Site) -> None:
    frames: list[dict[str, Any]] = []
    async with site.client.ws_connect(site.url + "/ws", headers={"Origin": site.url}) as socket:
        _, child = await with_child(site)
        async with asyncio.timeout(DEADLINE_S):
            while not frames or frames[-1].get("event") != "ChildPended":
                frames.append(check(await socket.receive_json(), "Frame"))

    assert frames[-1]["node"]["child"] == child["key"]
