"""Runs that are started again over the API: the plan, the start, and what was taken over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.ids import FlowId
from floe.model.signal import Exited
from tests.make import a_flow, a_node
from tests.make_server import DEADLINE_S, Site, a_site, until

FLOW = a_flow(a_node("build"), a_node("test", on="task.build.good"), id=FlowId("ci"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, FLOW) as site:
        yield site


async def failed(site: Site) -> str:
    """A run in which test failed after a build that printed a line."""
    run = await site.start("ci")
    site.output(run, "build").write_text("built\n")
    site.hands.report("build", Exited(status=0, outputs={"url": "u1"}, output_bytes=6))
    await until(lambda: any(key.node == "test" for key in site.hands.actions))
    site.hands.exit("test", 1)
    ref = site.hub.reads.ref(run)
    await until(lambda: ref not in site.hub.loop.core.table.runs)
    return run


async def test_plan_shows_what_would_run(site: Site) -> None:
    run = await failed(site)

    status, plan = await site.get(f"runs/{run}/rerun?failed=true")

    assert (status, plan["taken"], plan["again"]) == (200, ["task.build"], ["task.test"])


async def test_re_run_of_what_failed_takes_the_good_nodes_over(site: Site) -> None:
    run = await failed(site)

    status, started = await site.post(f"runs/{run}/rerun", {"failed": True})
    _, shown = await site.get(f"runs/{started['run']}")

    assert status == 202
    assert shown["rerun_of"] == run
    assert [(n["state"], n.get("taken_from", "")) for n in shown["nodes"]] == [
        ("good", site.hub.reads.ref(run).key),
        ("running", ""),
    ]
    _, page = await site.get(f"runs/{started['run']}/nodes/test")
    assert page["inputs"] == {"url": "u1"}
    assert page["inputs_from"] == {"url": "build"}


async def test_output_of_a_node_that_was_taken_over_is_that_of_the_earlier_run(site: Site) -> None:
    run = await failed(site)
    _, started = await site.post(f"runs/{run}/rerun", {"from": "test"})

    status, text = await site.get(f"runs/{started['run']}/nodes/build/log")
    _, lines = await site.get(f"runs/{started['run']}/nodes/build/log/lines")

    assert (status, text) == (200, "built\n")
    assert [line["text"] for line in lines["lines"]] == ["built"]


async def test_feed_names_the_run_from_which_a_node_was_taken(site: Site) -> None:
    run = await failed(site)
    async with site.client.ws_connect(site.url + "/ws", headers={"Origin": site.url}) as socket:
        await site.post(f"runs/{run}/rerun", {"failed": True})
        frame: dict[str, Any] = {}
        async with asyncio.timeout(DEADLINE_S):
            while frame.get("event") != "NodeTaken":
                frame = await socket.receive_json()

    assert frame["node"]["taken_from"] == site.hub.reads.ref(run).key


async def test_same_key_starts_one_re_run(site: Site) -> None:
    run = await failed(site)
    once = {"Idempotency-Key": "k1"}

    _, first = await site.post(f"runs/{run}/rerun", {}, headers=once)
    _, second = await site.post(f"runs/{run}/rerun", {}, headers=once)

    assert first["run"] == second["run"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"from": "nope"}, 404, "has no node 'nope'"),
        ({"from": "test", "failed": True}, 422, "exclude each other"),
        ({"values": {"x": "1"}}, 422, "the form has no such field"),
        ({"fro": "test"}, 422, "from"),
        ({"failed": "maybe"}, 422, "true or false"),
    ],
)
async def test_wrong_request_is_refused(
    site: Site, body: dict[str, object], status: int, said: str
) -> None:
    run = await failed(site)

    got, problem = await site.post(f"runs/{run}/rerun", body)

    assert got == status
    assert said in str(problem)


async def test_run_that_is_not_over_is_not_started_again(site: Site) -> None:
    run = await site.start("ci")

    status, problem = await site.post(f"runs/{run}/rerun", {})

    assert status == 409
    assert problem["detail"] == f"{run} is not over yet"
