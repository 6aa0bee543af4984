"""Records the nodes that a step skips: by their `if`, and after skipped nodes."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from floe.kernel.coming_tags import is_behind_loop, over_loops
from floe.kernel.condition import unmet
from floe.kernel.match import is_ready
from floe.kernel.skipping import is_excused, is_lost, sources_of_skipped, why_after
from floe.kernel.title import names_node
from floe.model.event import NodeSkipped
from floe.model.flow import Node
from floe.model.tags import SKIPPED, Tag, tag_of

if TYPE_CHECKING:
    from floe.kernel.run_step import RunStep


def skip(step: "RunStep", node: Node, why: str) -> Tag:
    """Record that a node does not run in this visit; return the tag that it issues.

    The caller spreads the tag. `why`: the end of a sentence.
    """
    skipped = NodeSkipped(
        at=step.now,
        node=node.id,
        visit=len(step.run.visits(node.id)) + 1,
        why=why,
        tag=tag_of(node.cls, node.id, SKIPPED),
        sources=sources_of_skipped(step.run, node),
        inherits=step.flow.inherits,
    )
    step.add(step.titled(skipped) if names_node(step.flow, node.id) else skipped)
    return skipped.tag


def why_not_entered(step: "RunStep", node: Node) -> str:
    """Why a node is skipped instead of entering; empty if it enters. Raises ExpressionError."""
    if is_excused(step.run, node):
        return why_after(step.run, node)
    return unmet(node.condition, step.scope().value) if node.condition else ""


def skip_lost(step: "RunStep", nodes: Iterable[Node]) -> list[Tag]:
    """Skip the nodes among these that are lost by skipped nodes; return the tags that they issue.

    Nodes behind a loop wait for its end.
    """
    lost = [node for node in nodes if is_lost(step.run, node) and not is_behind(step, node)]
    return [skip(step, node, why_after(step.run, node)) for node in lost]


def is_behind(step: "RunStep", node: Node) -> bool:
    """Whether skipped nodes before a node are part of a loop that it is not part of."""
    return bool(step.flow.loops) and is_behind_loop(step.run, step.flow, node)


def skip_after_rounds(step: "RunStep") -> tuple[list[Tag], tuple[Node, ...]]:
    """Skip the nodes that are lost by skipped nodes of loops that are over; return the tags that
    they issue, and the merges that enter without such nodes."""
    if not step.flow.followers:
        return [], ()
    behind = (node for node in step.flow.nodes if is_behind(step, node))
    over = over_loops(step.run, step.flow, behind)
    lost = [node for node in over if is_lost(step.run, node)]
    tags = [skip(step, node, why_after(step.run, node)) for node in lost]
    return tags, tuple(n for n in over if n not in lost and is_ready(step.run, n))
