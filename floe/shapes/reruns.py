"""A re-run as JSON, before it starts."""

from collections.abc import Iterable

from floe.host.rerun_plan import ChildPlan, RerunPlan
from floe.model.ids import NO_ITEM, NodeId, Shape


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
        "children": [_child_shape(child) for child in plan.children],
        "more_children": len(plan.rerun.children) - len(plan.children),
        "values": dict(plan.values),
        "workspace": {"host": plan.host, "why_empty": plan.why_empty},
    }


def _child_shape(child: ChildPlan) -> Shape:
    return {
        "node": child.node,
        "item": None if child.item == NO_ITEM else child.item,
        "run": child.run,
        "taken": list(child.taken),
        "why_new": child.why_new,
        "children": [_child_shape(one) for one in child.children],
    }
