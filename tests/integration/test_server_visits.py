"""A node that entered twice, as API, feed and forms show it: the kernel is told to reset it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.hub.hub import Hub
from floe.model.flow import Backoff, Retry
from floe.model.ids import FlowId, NodeId
from floe.model.signal import Exited, Reset
from floe.model.tags import Tag
from floe.server.frame_schemas import FRAMES
from floe.server.schemas import SCHEMAS
from tests.make import a_flow, a_form, a_merge, a_node
from tests.make_server import DEADLINE_S, Site, a_site, until
from tests.schemas import check

FLOW = a_flow(
    a_form("hold"),
    a_merge("loop", ["trigger.good", "task.fix.good"], "any"),
    a_form("ask", on="merge.loop.good"),
    a_node("fix", on="task.ask.bad", retry=Retry(max=1, backoff=Backoff(first_s=0.001))),
    a_node("ship", on="task.ask.good"),
    id=FlowId("loop"),
)
LOOP = tuple(map(NodeId, ("loop", "ask", "fix")))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, FLOW) as site:
        yield site


async def is_asked(hub: Hub, run: str, visit: int) -> None:
    """Wait until a visit of the form is open."""
    runs, ref = hub.loop.core.table.runs, hub.reads.ref(run)
    ask = NodeId("ask")
    await until(lambda: ask in runs[ref].nodes and runs[ref].nodes[ask].visit == visit)


def answer(run: str, **form: Any) -> dict[str, Any]:
    """An answer to the form."""
    return {"run": run, "form": {"id": "ask", "values": {"ok": True}, **form}}


async def twice(site: Site) -> str:
    """A run whose form was rejected, fixed, and asked a second time."""
    run = (await site.hub.trigger("loop", values={}, by="test")).id
    await is_asked(site.hub, run, 1)
    await site.post("push/data", answer(run, good=False))
    await until(lambda: bool(site.hands.actions))
    output = site.output(run, "fix")
    output.write_text("first\n")
    site.hands.exit("fix")
    runs, ref = site.hub.loop.core.table.runs, site.hub.reads.ref(run)
    await until(lambda: "task.fix.good" in runs[ref].standing)
    await site.hub.loop.ask(Reset(nodes=LOOP, by=Tag("task.fix.good")), run=ref)
    await is_asked(site.hub, run, 2)
    return run


async def test_answer_for_the_first_visit_never_settles_the_second(site: Site) -> None:
    run = await twice(site)

    status, problem = await site.post("push/data", answer(run, visit=1))

    assert status == 409
    assert "is not open: the node is in its visit 2" in problem["detail"]


@pytest.mark.parametrize("named", [{"visit": 2}, {}])
async def test_answer_for_the_latest_visit_or_without_one_settles_it(
    site: Site, named: dict[str, int]
) -> None:
    run = await twice(site)

    status, _ = await site.post("push/data", answer(run, **named))

    assert status == 202


async def test_open_form_names_its_visit(site: Site) -> None:
    run = await twice(site)

    _, shape = await site.get(f"runs/{run}")

    assert [(form["node"], form.get("visit")) for form in shape["forms"]] == [
        ("hold", 1),
        ("ask", 2),
    ]


async def test_node_shows_its_latest_visit_and_the_earlier_ones(site: Site) -> None:
    run = await twice(site)

    _, node = await site.get(f"runs/{run}/nodes/ask")

    assert (node["visit"], node["state"], node["by"]) == (2, "asking", "")
    (first,) = node["visits"]
    assert (first["visit"], first["state"], first["tag"]) == (1, "bad", "task.ask.bad")
    assert first.keys() == SCHEMAS["Visit"]["properties"].keys()


async def test_output_of_a_visit_is_read_by_its_number(site: Site) -> None:
    run = await twice(site)
    await site.post("push/data", answer(run, good=False))
    await until(lambda: any(key.visit == 2 for key in site.hands.actions))
    second = next(job.output for key, job in site.hands.actions.items() if key.visit == 2)
    second.write_text("second\n")

    texts = [(await site.get(f"runs/{run}/nodes/fix/log{at}"))[1] for at in ("", "?visit=1")]
    status, problem = await site.get(f"runs/{run}/nodes/fix/log?visit=3")

    assert texts == ["second\n", "first\n"]
    assert (status, problem["hint"]) == (404, "the last is 2")


async def test_feed_sends_each_key_of_a_nodes_change(site: Site) -> None:
    frames: list[dict[str, Any]] = []
    async with site.client.ws_connect(site.url + "/ws", headers={"Origin": site.url}) as socket:
        run = await twice(site)
        await site.post("push/data", answer(run, good=False))
        await until(lambda: any(key.visit == 2 for key in site.hands.actions))
        second = next(job.output for key, job in site.hands.actions.items() if key.visit == 2)
        second.write_text("second\n")
        site.hands.exit("fix", 1)
        await until(lambda: any(key.attempt == 2 for key in site.hands.actions))
        site.hands.report("fix", Exited(status=0, outputs={"found": "yes"}, output_bytes=7))
        await socket.send_json({"watch": {"run": run, "node": "fix", "attempt": 1}})
        async with asyncio.timeout(DEADLINE_S):
            while not frames or frames[-1]["type"] != "output":
                frames.append(check(await socket.receive_json(), "Frame"))

    changes = [frame["node"] for frame in frames if "node" in frame and frame["type"] == "event"]
    keys = {key for change in changes for key in change}
    elsewhere = {"taken_from", "child", "items", "item_states", "label"}
    """See the tests of re-runs, child runs, items and judged runs."""
    assert keys | elsewhere == set(FRAMES["NodeChange"]["properties"])
    assert frames[-1].keys() | {"item"} == FRAMES["OutputFrame"]["properties"].keys()


async def test_visit_of_a_trigger_is_refused(site: Site) -> None:
    status, problem = await site.post("push/data", {"ref": {"id": "loop"}, "form": {"visit": 1}})

    assert status == 422
    assert "only the form of a run has visits" in str(problem)
