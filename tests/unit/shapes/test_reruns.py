"""A re-run as JSON, before it starts."""

from floe.host.rerun_plan import RerunRequest, RerunSource
from floe.shapes.reruns import plan_shape
from tests.make import a_flow, a_merge, a_node, a_run, after, exited

FLOW = a_flow(
    a_node("build"),
    a_merge("all", ["task.build.good"]),
    a_node("ship", on="merge.all.good"),
)


def test_plan_names_nodes_by_their_references() -> None:
    run = after(a_run(FLOW, {"n": 1}), exited(a_run(FLOW), "build", 0))
    ended = after(run, exited(run, "ship", 1))
    earlier = RerunSource(run=ended, name="h1-1", flow=FLOW, digest=None, why_gone="it was removed")
    plan = earlier.plan(RerunRequest(failed=True, values={}))

    assert plan_shape(plan) == {
        "run": "h1-1",
        "flow": "flow",
        "ver": 1,
        "again": ["task.ship"],
        "new": [],
        "taken": ["task.build", "merge.all"],
        "children": [],
        "more_children": 0,
        "values": {"n": 1},
        "workspace": {"host": None, "why_empty": plan.why_empty},
    }
