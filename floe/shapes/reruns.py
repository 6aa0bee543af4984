"""A re-run as JSON, before it starts."""

from collections.abc import Iterable

from floe.host.rerun_plan import RerunPlan
from floe.model.ids import NodeId, Shape


def plan_shape(plan: RerunPlan) -> Shape:
    """A re-run as planned: what would run, what would be taken over, and where."""

    def refs(nodes: Iterable[NodeId]) -> list[str]:
        return [plan.flow.by_id[node].ref for node in nodes]

    return {
        "run": plan.run,
        "flow": plan.flow.id,
        "ver": plan.flow.ver,
        "again": refs(plan.rerun.again),
        "new": refs(plan.rerun.new),
        "taken": refs(taken.node for taken in plan.rerun.taken),
        "values": dict(plan.values),
        "workspace": {"host": plan.host, "why_empty": plan.why_empty},
    }
