"""Changed nodes in the feed: little to send, and enough to know the node by."""

import json
from dataclasses import replace
from typing import Any

from floe.feed.frames import Frame
from floe.model.codec import iso
from floe.model.flow import Backoff, Flow, Retry
from floe.model.ids import FlowId, Instant
from floe.model.outcome import Outcome
from floe.model.run import Attempt, NodeState
from floe.shapes.nodes import item_shape, node_shape
from tests.hands import HandClock, Hands, a_hub, settled
from tests.make import a_flow, a_form, a_merge, a_node, a_timer, an_end

FAN_OUT_BYTES_MAX = 150_000

FAN = a_flow(
    a_node("first"),
    *[a_node(f"p{i}", on="task.first.good") for i in range(200)],
    a_merge("all", [f"task.p{i}.good" for i in range(200)]),
    a_node("last", on="merge.all.good"),
    an_end(on="task.last.good"),
    id=FlowId("fan"),
)
RETRIED = a_flow(
    a_node("build", retry=Retry(max=1, backoff=Backoff(first_s=1.0))),
    a_form("sign-off", on="task.build.good"),
    an_end(on="task.sign-off.good"),
    id=FlowId("retried"),
)


async def frames_of(flow: Flow, hands: Hands) -> tuple[list[Frame], list[dict[str, Any]]]:
    """The frames of a run of a flow, and its nodes as they are after the last of them."""
    clock = HandClock()
    async with a_hub(flow, hands=hands, clock=clock) as hub:
        with hub.feed.subscribe() as feed:
            row = await hub.trigger(flow.id, values={}, by="alice")
            await settled(hub)
            if flow is RETRIED:
                hands.exit("build", 2)
                await settled(hub)
                clock.advance(2.0)
                await settled(hub)
                hands.exit("build", 0)
                await settled(hub)
                await hub.give(row.id, "sign-off", {"ok": True}, by="bob")
                await settled(hub)
            frames: list[Frame] = []
            while '"RunEnded"' not in "".join(f.text for f in frames[-5:]):
                frames += await feed.take()
        run = await hub.reads.run(row.id)
        return frames, [node_shape(run, node) for node in flow.nodes]


async def test_timer_task_waits_until_its_time() -> None:
    clock, flow = HandClock(), a_flow(a_timer("pause", period_s=90), id=FlowId("paused"))
    async with a_hub(flow, clock=clock) as hub:
        run = await hub.reads.run((await hub.trigger("paused", values={}, by="alice")).id)
        waits = node_shape(run, flow.nodes[0])
        clock.advance(90)
        await settled(hub)
        over = node_shape(await hub.reads.run(str(run.ref)), flow.nodes[0])

    assert (waits["state"], waits["due"]) == ("waiting", iso(Instant(run.pended_at + 90_000)))
    assert (over["state"], over["due"]) == ("good", None)


async def test_fan_out_of_200_costs_a_listener_150_kb_at_most() -> None:
    frames, _ = await frames_of(FAN, Hands(at_once=0))

    assert sum(len(frame.text.encode()) for frame in frames) <= FAN_OUT_BYTES_MAX


async def test_changes_laid_over_one_another_are_the_node() -> None:
    frames, nodes = await frames_of(RETRIED, Hands())

    told: dict[str, dict[str, Any]] = {}
    for frame in frames:
        change = json.loads(frame.text).get("node", {"id": ""})
        told[change["id"]] = told.get(change["id"], {}) | change

    build, sign_off = nodes[0], nodes[1]
    assert told["build"] == {k: v for k, v in build.items() if k in told["build"]}
    assert told["sign-off"] == {k: v for k, v in sign_off.items() if k in told["sign-off"]}
    assert {"state", "tag", "good", "attempt", "attempts", "ended_at"} <= told["build"].keys()
    assert told["sign-off"]["by"] == "bob"


def an_item(*attempts: Attempt) -> NodeState:
    return NodeState(
        phase="started",
        work=None,
        visit=1,
        attempt=len(attempts) + 1,
        woke=1,
        sources=(),
        entered_at=Instant(0),
        queued_at=Instant(0),
        started_at=Instant(9_000),
        attempts=attempts,
        item=0,
    )


def test_item_of_several_attempts_has_the_start_of_the_first() -> None:
    bad = Outcome(result="bad", status=1)
    first = Attempt(attempt=1, outcome=bad, started_at=Instant(1_000), ended_at=Instant(2_000))

    assert item_shape(an_item(first))["begun_at"] == iso(Instant(1_000))
    assert "begun_at" not in item_shape(an_item())


def test_state_in_a_judged_run_has_its_own_name() -> None:
    assert item_shape(replace(an_item(), state="LOUD"))["label"] == "LOUD"
    assert "label" not in item_shape(an_item())
