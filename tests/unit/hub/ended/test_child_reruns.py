"""Re-runs of parents: a failed child starts again as a re-run of what failed in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floe.host.inputs import Start
from floe.host.rerun_plan import ChildPlan, RerunRequest
from floe.host.retention import Wanted
from floe.hub.ended.child_reruns import CHILDREN_SHOWN, ChildReruns
from floe.hub.history import FoundRun
from floe.hub.hub import Hub
from floe.hub.reads import Reads
from floe.model.children import SubFlow
from floe.model.codec import encode, to_text
from floe.model.errors import FloeError
from floe.model.ids import FlowId, HostId, NodeId, RunRef
from floe.model.keep import Keep
from floe.model.run import Run
from floe.model.taken import ChildAgain, RerunOf
from floe.peers.base import FRAME_MAX, Peers, Request
from tests.hands import Hands, a_hub, live, over, settled, until
from tests.make import a_flow, a_node

DEPLOY = a_flow(a_node("copy"), a_node("check", on="task.copy.good"), id=FlowId("deploy"))
RELEASE = a_flow(
    a_node("build"),
    a_node("go", SubFlow(flow="deploy"), on="task.build.good"),
    id=FlowId("release"),
)
TRAIN = a_flow(a_node("ride", SubFlow(flow="release")), id=FlowId("train"))
ALL = (TRAIN, RELEASE, DEPLOY)


async def end(hands: Hands, node: str, status: int = 0) -> None:
    """End the attempt of a node once it has started."""
    await until(lambda: node in [key.node for key in hands.running()])
    hands.exit(node, status)


async def failed(hub: Hub, hands: Hands, flow: str = "release") -> str:
    """A run that has ended since the check of its child failed."""
    run = (await hub.trigger(flow, values={}, by="alice")).id
    await end(hands, "build")
    await end(hands, "copy")
    await end(hands, "check", 1)
    await until(over(hub, run))
    return run


async def child_of(hub: Hub, run: str, node: str = "go") -> Run:
    """The child run of a node."""
    ref = hub.reads.ref(run)
    await until(lambda: (found := live(hub, str(ref))) and found.nodes.get(NodeId(node)))
    await until(lambda: (found := live(hub, str(ref))) and found.nodes[NodeId(node)].child)
    await settled(hub)
    parent = live(hub, str(ref))
    assert parent is not None
    return await hub.reads.run(str(RunRef.parse(parent.nodes[NodeId(node)].child)))


def of_what_failed() -> RerunRequest:
    return RerunRequest(failed=True, values={})


async def test_failed_child_starts_again_with_its_good_nodes_taken_over() -> None:
    hands = Hands()
    async with a_hub(*ALL, hands=hands) as hub:
        run = await failed(hub, hands)
        again = (await hub.rerun(run, of_what_failed(), by="bob")).id
        child = await child_of(hub, again)
        await end(hands, "check")
        await until(over(hub, again))
        parent = await hub.reads.run(again)

    assert child.rerun_of is not None
    assert (child.rerun_of.run.split("@")[0], child.by) == ("h1-2", "bob")
    assert [taken.node for taken in child.taken] == ["copy"]
    assert [key.node for key in hands.started] == ["build", "copy", "check", "check"]
    assert parent.good


async def test_failed_child_of_a_child_starts_again_too() -> None:
    hands = Hands()
    async with a_hub(*ALL, hands=hands) as hub:
        run = await failed(hub, hands, "train")
        again = (await hub.rerun(run, of_what_failed(), by="bob")).id
        child = await child_of(hub, again, "ride")
        grandchild = await child_of(hub, str(child.ref))
        await end(hands, "check")
        await until(over(hub, again))

    assert [taken.node for taken in child.taken] == ["build"]
    assert [taken.node for taken in grandchild.taken] == ["copy"]
    assert [key.node for key in hands.started] == ["build", "copy", "check", "check"]


@pytest.mark.parametrize("again", [RerunRequest(values={}), RerunRequest(node="go", values={})])
async def test_whole_re_run_and_one_from_a_node_start_a_new_child(again: RerunRequest) -> None:
    hands = Hands()
    async with a_hub(*ALL, hands=hands) as hub:
        run = (await hub.rerun(await failed(hub, hands), again, by="bob")).id
        if not again.node:
            await end(hands, "build")
        child = await child_of(hub, run)

    assert (child.rerun_of, child.taken) == (None, ())


async def test_re_run_by_the_latest_flow_starts_a_new_child() -> None:
    hands = Hands()
    async with a_hub(*ALL, hands=hands) as hub:
        again = RerunRequest(failed=True, latest=True, values={})
        child = await child_of(hub, (await hub.rerun(await failed(hub, hands), again, by="b")).id)

    assert child.rerun_of is None


async def test_child_that_is_gone_is_replaced_by_a_new_one_and_why_says_why() -> None:
    hands = Hands()
    async with a_hub(*ALL, hands=hands) as hub:
        run = await failed(hub, hands)
        await failed(hub, hands)
        await hub.prune(Wanted(flow=FlowId("deploy"), keep=Keep(runs=1)))
        again = (await hub.rerun(run, of_what_failed(), by="bob")).id
        child = await child_of(hub, again)
        why = await hub.reads.why(again)

    assert child.rerun_of is None
    assert "nothing of h1-2 is taken over: h1-2 of deploy was removed" in why.text


class Reply:
    """The host h2 with the log of a child: it gives one reply to every request, or is away."""

    archiving = None

    def name_of_key(self, key: str) -> str:
        return key.partition("@")[0]

    def __init__(self, status: int, body: bytes = b"", error: Exception | None = None) -> None:
        self.status = status
        self.body = body
        self.error = error
        self.asked: list[Request] = []

    async def find(self, name: str) -> FoundRun:
        return FoundRun(ref=RunRef.parse(name), host=HostId("h2"))

    @asynccontextmanager
    async def relay(self, host: HostId, request: Request) -> AsyncIterator[Any]:
        self.asked.append(request)
        yield SimpleNamespace(status=self.status, chunks=self._chunks)

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield self.body
        if self.error:
            raise self.error


def reruns(there: Reply) -> ChildReruns:
    return ChildReruns(cast("Reads", there), cast("Peers", there))


CHILD = "h2-7@k3f9"


async def test_host_with_the_log_prepares_the_re_run() -> None:
    start = Start(
        flow=DEPLOY,
        digest="sha256:1",
        trigger=NodeId("start"),
        values={"where": "eu"},
        by="bob",
        rerun_of=RerunOf(run=CHILD, host=HostId("h2")),
        children=(ChildAgain(node=NodeId("go"), item=3, run="h2-8@k3f9"),),
    )
    there = Reply(200, to_text(encode(start)).encode())

    assert await reruns(there).start(CHILD, "bob") == start
    assert [one.path for one in there.asked] == ["peer/rerun?run=h2-7%40k3f9&by=bob"]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (Reply(410, b'{"detail": "h2-7 was removed"}'), "h2-7 was removed"),
        (Reply(404, b'{"title": "Not Found"}'), "h2 answers 404"),
        (Reply(200, b'{"flow": 1}'), "the reply of h2 is not a re-run"),
        (Reply(502, b"<html>"), "the reply of h2 is not a re-run"),
        (Reply(200, b"[" * FRAME_MAX + b"]"), "the reply of h2 has more than 16777216 bytes"),
        (Reply(200, b"{", ConnectionAbortedError("it broke")), "h2 is away: it broke"),
    ],
)
async def test_reply_that_is_no_re_run_is_an_error(there: Reply, said: str) -> None:
    with pytest.raises(FloeError, match=said):
        await reruns(there).start(CHILD, "bob")


async def test_plan_counts_the_children_that_it_does_not_describe() -> None:
    children = [ChildAgain(node=NodeId("go"), item=n, run=CHILD) for n in range(CHILDREN_SHOWN + 1)]
    there = Reply(410, b'{"detail": "h2-7 was removed"}')

    plans = await reruns(there).plans(RELEASE, children, "bob")

    assert len(plans) == CHILDREN_SHOWN
    assert plans[0] == ChildPlan("task.go", 0, "h2-7", why_new="h2-7 was removed")


async def test_plan_describes_no_more_children_however_deep_they_are() -> None:
    below = ChildAgain(node=NodeId("go"), item=0, run=CHILD)
    start = Start(
        flow=RELEASE,
        digest="sha256:1",
        trigger=NodeId("start"),
        values={},
        by="bob",
        children=(below, below),
    )
    there = Reply(200, to_text(encode(start)).encode())

    await reruns(there).plans(RELEASE, [below], "bob")

    assert len(there.asked) == CHILDREN_SHOWN
