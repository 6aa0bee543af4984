"""Loops of a flow: nodes that lead back to one of them, a head, which may enter several times."""

from collections.abc import Iterable, Mapping

from floe.model.ids import NodeId
from floe.model.nouns import dataclass
from floe.model.tags import Tag, emitter_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLoop:
    """A cycle of nodes: each of them comes after each other one."""

    nodes: tuple[NodeId, ...]
    """In document order."""
    back: Mapping[NodeId, frozenset[Tag]]
    """By head: the tags of nodes of the loop that start its next round."""


def loops_of(
    heard: Mapping[NodeId, frozenset[Tag]], heads: Iterable[NodeId]
) -> tuple[FlowLoop, ...]:
    """The loops with these heads. `heard`: the tags that each node names, in document order."""
    before: dict[NodeId, set[NodeId]] = {id: set() for id in heard}
    after: dict[NodeId, set[NodeId]] = {id: set() for id in heard}
    for id, tags in heard.items():
        for source in map(emitter_of, tags):
            if source in after:
                before[id].add(source)
                after[source].add(id)
    cycles = dict.fromkeys(_from(head, before) & _from(head, after) for head in heads)
    return tuple(
        FlowLoop(
            nodes=tuple(id for id in heard if id in cycle),
            back={
                head: frozenset(tag for tag in heard[head] if emitter_of(tag) in cycle)
                for head in heads
                if head in cycle
            },
        )
        for cycle in cycles
        if cycle
    )


def _from(head: NodeId, steps: Mapping[NodeId, Iterable[NodeId]]) -> frozenset[NodeId]:
    """The nodes that one or more steps lead to."""
    found = [*steps[head]]
    seen = set(found)
    for id in found:  # grows by the nodes behind each, once
        found += [next_ for next_ in steps[id] if next_ not in seen]
        seen.update(steps[id])
    return frozenset(seen)
