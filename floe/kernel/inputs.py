"""The values that a node gets from the nodes before it."""

from collections.abc import Iterable, Mapping

from floe.model.refs import Json, NodeId
from floe.model.run import Run


def inputs_of(run: Run, sources: Iterable[NodeId]) -> Mapping[str, Json]:
    """The trigger's values, overridden by the outputs of the sources; the nearest source wins."""
    return {**run.values, **joined(run, sources)}


def joined(run: Run, sources: Iterable[NodeId]) -> Mapping[str, Json]:
    """The combined outputs of several nodes, as the outputs of a merge; later nodes win."""
    outputs: dict[str, Json] = {}
    for node in sources:
        outputs.update(run.settled(node).outputs)
    return outputs
