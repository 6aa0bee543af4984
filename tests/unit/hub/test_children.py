"""What a hub does for nodes with child runs: it finds the flow, pends the child, and cancels it."""

from dataclasses import replace

from floe.hub.hub import Hub
from floe.model.children import SubFlow
from floe.model.flow import Flow, Trigger
from floe.model.form import Field, Form
from floe.model.ids import FlowId, NodeId
from floe.model.run import Run
from tests.hands import Hands, a_hub, live, over, settled, until
from tests.make import a_flow, a_node, an_end

WHERE = Form(title="Start", fields=(Field(id="where", prompt="Where?"),))
DEPLOY = a_flow(
    a_node("copy"),
    id=FlowId("deploy"),
    triggers=(Trigger(id=NodeId("start"), type="data", name="start", form=WHERE),),
)


def release(**others: object) -> Flow:
    """A flow that deploys to eu."""
    work = replace(SubFlow(flow="deploy", values={"where": "eu"}), **others)  # type: ignore[arg-type]  # fields of it
    return a_flow(a_node("go", work), an_end(on="task.go.good"), id=FlowId("release"))


async def ended(hub: Hub, run: str) -> Run:
    """A run once it is over."""
    await until(over(hub, run))
    return await hub.reads.run(run)


async def test_child_runs_the_flow_with_its_values_for_the_person_who_started_its_parent() -> None:
    hands = Hands()
    async with a_hub(release(), DEPLOY, hands=hands) as hub:
        parent = (await hub.trigger("release", values={}, by="alice")).id
        await until(lambda: hands.started)
        child = live(hub, "h1-2")
        hands.exit("copy")
        run = await ended(hub, parent)

    assert child is not None
    assert (child.flow_id, child.values, child.by) == ("deploy", {"where": "eu"}, "alice")
    assert run.good


async def test_why_says_where_the_child_is() -> None:
    hands = Hands()
    async with a_hub(release(), DEPLOY, hands=hands) as hub:
        parent = (await hub.trigger("release", values={}, by="alice")).id
        await until(lambda: hands.started)
        await settled(hub)
        why = await hub.reads.why(parent)

    assert why.text == "waits for task.go: its child h1-2, active on h1"


async def test_why_says_that_the_child_waits_for_a_host() -> None:
    gpu = replace(DEPLOY, host_tags=("gpu",))
    async with a_hub(release(), gpu) as hub:
        parent = (await hub.trigger("release", values={}, by="alice")).id
        await until(lambda: live(hub, "h1-2"))
        await settled(hub)
        why = await hub.reads.why(parent)

    assert why.text == "waits for task.go: its child h1-2, which waits for a host"


async def test_cancel_of_the_parent_cancels_the_child_first() -> None:
    hands = Hands()
    async with a_hub(release(), DEPLOY, hands=hands) as hub:
        parent = (await hub.trigger("release", values={}, by="alice")).id
        await until(lambda: hands.started)
        await hub.cancel(parent, by="bob")
        run = await ended(hub, parent)
        child = await hub.reads.run("h1-2")

    assert child.why == "cancelled by its parent h1-1: cancelled by bob"
    assert run.why == "cancelled by bob"


async def failure(*flows: Flow, **host: object) -> str:
    """Why the task that deploys fails."""
    async with a_hub(*flows, host=host) as hub:
        parent = (await hub.trigger("release", values={}, by="alice")).id
        run = await ended(hub, parent)
    outcome = run.nodes[NodeId("go")].outcome
    assert outcome is not None
    return outcome.why


async def test_flow_that_the_host_does_not_have_is_an_error_of_the_node() -> None:
    assert await failure(release()) == "could not start: no flow 'deploy'"


async def test_values_that_the_form_of_the_flow_does_not_take_are_an_error_of_the_node() -> None:
    why = await failure(release(values={}), DEPLOY)

    assert why == "could not start: where: a value is required"


async def test_host_that_the_cluster_does_not_have_is_an_error_of_the_node() -> None:
    why = await failure(release(host="h9"), DEPLOY)

    assert why == "could not start: no host h9: the cluster has h1"
