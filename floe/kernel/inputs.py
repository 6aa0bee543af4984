"""What a node sees of the nodes before it."""

from collections.abc import Iterable, Mapping

from floe.model.refs import Json, NodeId
from floe.model.run import Run


def visible(run: Run, sources: Iterable[NodeId]) -> Mapping[str, Json]:
    """The trigger's values, and over them the outputs of the sources, nearest last."""
    return {**run.values, **joined(run, sources)}


def joined(run: Run, sources: Iterable[NodeId]) -> Mapping[str, Json]:
    """The outputs of several nodes together, the later wins: what a merge puts out."""
    outputs: dict[str, Json] = {}
    for node in sources:
        outputs.update(run.settled(node).outputs)
    return outputs
