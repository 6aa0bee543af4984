"""A node with items, as API and feed show it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.flow import Foreach
from floe.model.ids import FlowId
from floe.model.tags import Tag
from tests.make import a_flow, a_node
from tests.make_server import DEADLINE_S, Site, a_site, until
from tests.schemas import check

FLOW = a_flow(
    a_node("test", foreach=Foreach(values=("eu", {"name": "us"}, 3), parallel=2)),
    id=FlowId("items"),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, FLOW) as site:
        yield site


async def a_run(site: Site) -> str:
    """A run of which two items have begun; each has an output."""
    run = (await site.hub.trigger("items", values={}, by="test")).id
    await until(lambda: len(site.hands.actions) == 2)
    for key, job in site.hands.actions.items():
        job.output.parent.mkdir(parents=True, exist_ok=True)
        job.output.write_text(f"item {key.item}\n")
    return run


async def test_node_lists_its_items_and_those_that_have_begun(site: Site) -> None:
    run = await a_run(site)
    site.hands.exit("test", 4, item=0)
    await until(lambda: len(site.hands.actions) == 3)

    _, node = await site.get(f"runs/{run}/nodes/test")

    check(node, "NodePage")
    assert node["items"] == ["eu", "us", "3"]
    states = [(one["item"], one["state"], one.get("status")) for one in node["item_states"]]
    assert states == [(0, "bad", 4), (1, "running", None), (2, "running", None)]


async def test_items_of_an_earlier_visit_are_shown_by_its_number(tmp_path: Path) -> None:
    heard = frozenset({Tag("trigger.good"), Tag("task.fix.good")})
    each = Foreach(values=("eu", "us"), parallel=1)
    test = a_node("test", foreach=each, heard=heard, loop=2)
    flow = a_flow(test, a_node("fix", on="task.test.bad"), id=FlowId("items"))
    async with a_site(tmp_path, flow) as site:
        run = (await site.hub.trigger("items", values={}, by="test")).id
        for count, (node, status) in enumerate([("test", 3), ("test", 0), ("fix", 0)], 1):
            await until(lambda: len(site.hands.actions) == count)  # noqa: B023  # awaited at once
            if count == 1:
                [job] = site.hands.actions.values()
                job.output.parent.mkdir(parents=True, exist_ok=True)
                job.output.write_text("first visit\n")
            site.hands.exit(node, status)
        await until(lambda: any(key.visit == 2 for key in site.hands.actions))

        _, first = await site.get(f"runs/{run}/nodes/test?visit=1")
        _, item = await site.get(f"runs/{run}/nodes/test?visit=1&item=0")
        status, problem = await site.get(f"runs/{run}/nodes/test?visit=3")
        log = await site.get(f"runs/{run}/nodes/test/log?visit=1&item=0")

    check(first, "NodePage")
    assert [one["state"] for one in first["item_states"]] == ["bad", "good"]
    assert (first["visit"], item["state"], item["visit"]) == (1, "bad", 1)
    assert (status, problem["hint"]) == (404, "the last is 2")
    assert log == (200, "first visit\n")


async def test_item_has_the_page_of_a_node(site: Site) -> None:
    run = await a_run(site)
    site.hands.exit("test", 4, item=0)

    _, first = await site.get(f"runs/{run}/nodes/test?item=0")
    status, problem = await site.get(f"runs/{run}/nodes/test?item=3")

    check(first, "NodePage")
    assert (first["item"], first["state"], first["attempts"][0]["status"]) == (0, "bad", 4)
    assert (status, problem["hint"]) == (404, "the last is 2")


async def test_output_of_an_item_is_read_by_its_index(site: Site) -> None:
    run = await a_run(site)

    texts = [(await site.get(f"runs/{run}/nodes/test/log?item={item}"))[1] for item in (0, 1, 2)]

    assert texts == ["item 0\n", "item 1\n", ""]


@pytest.mark.parametrize(
    ("query", "detail", "hint"),
    [
        ("", "has 3 items, each with its own output", "name one: test[0]"),
        ("?item=3", "has no item 3", "the last is 2"),
    ],
)
async def test_output_without_an_item_of_the_node_is_refused(
    site: Site, query: str, detail: str, hint: str
) -> None:
    run = await a_run(site)

    status, problem = await site.get(f"runs/{run}/nodes/test/log{query}")

    assert (status, problem["hint"]) == (404, hint)
    assert detail in problem["detail"]


async def test_lines_of_an_item_are_found(site: Site) -> None:
    run = await a_run(site)

    _, lines = await site.get(f"runs/{run}/nodes/test/log/lines?item=1")
    _, found = await site.get(f"runs/{run}/nodes/test/log/find?item=1&text=item")

    assert [line["text"] for line in lines["lines"]] == ["item 1"]
    assert found["found"] == [1]


async def test_feed_sends_the_items_that_changed_and_their_output(site: Site) -> None:
    frames: list[dict[str, Any]] = []
    async with site.client.ws_connect(site.url + "/ws", headers={"Origin": site.url}) as socket:
        run = await a_run(site)
        await socket.send_json({"watch": {"run": run, "node": "test", "item": 1}})
        async with asyncio.timeout(DEADLINE_S):
            while not frames or frames[-1]["type"] != "output":
                frames.append(check(await socket.receive_json(), "Frame"))

    changes = [frame["node"] for frame in frames if frame.get("node", {}) and "seq" in frame]
    assert changes[0]["items"] == ["eu", "us", "3"]
    items = {one["item"] for change in changes for one in change.get("item_states", ())}
    assert items == {0, 1}
    assert (frames[-1]["item"], frames[-1]["text"]) == (1, "item 1\n")
