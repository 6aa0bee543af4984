"""The values that a node gets from the nodes before it.

Each node keeps what it gets and what it gives to the nodes after it, so that no step looks further
back than to the direct sources. Both are *layers*: maps of which a later one overrides the earlier
ones. Layers are shared between nodes, and a new one absorbs earlier ones that are not larger. So
there are few, whatever the length of a run.
"""

from collections.abc import Iterable, Mapping, Sequence

from floe.model.ids import Json, NodeId
from floe.model.run import Given, Layers, NodeState, Run
from floe.model.work import Join


def inputs_of(run: Run, state: NodeState) -> Mapping[str, Json]:
    """The values that a node sees: outputs, the nearest first, and the trigger's below them."""
    if not state.inherits:
        return {**run.values, **joined_inputs(run, state.sources)}
    if not state.seen:
        return run.values
    outputs = _by_distance(state.seen)
    values = {name: given.value for name, given in outputs}
    return {**values, **{name: v for name, v in run.values.items() if name not in values}}


def givers_of(run: Run, state: NodeState) -> Mapping[str, NodeId]:
    """The node that gave each of these inputs; none for the trigger's own."""
    if not state.inherits:
        known = (node for node in state.sources if node in run.nodes)
        return {name: node for node in known for name in run.settled(node).outputs}
    return {name: given.node for name, given in _by_distance(state.seen)}


def joined_inputs(run: Run, sources: Iterable[NodeId]) -> Mapping[str, Json]:
    """The inputs of a merge as its outputs: those of several nodes; later nodes win."""
    outputs: dict[str, Json] = {}
    for state in _source_states(run, sources):
        outputs.update(state.outputs)
    return outputs


def seen_from(run: Run, sources: Iterable[NodeId]) -> tuple[int, Layers]:
    """The inputs of a node with these sources: its level, and the outputs that reach it.

    Of equal names the nearest output wins; at equal distance the one that came by a later source.
    """
    states = _source_states(run, sources)
    if len(states) == 1:
        return states[0].level + 1, states[0].gives
    level = 1 + max((state.level for state in states), default=0)
    found: dict[str, Given] = {}
    for layers, nearer in _distinct(states, level):
        for name, given in _flat(layers).items():
            moved = given._replace(level=given.level + nearer)
            if name not in found or found[name].level <= moved.level:
                found[name] = moved
    for state in states:  # their own outputs are nearer than all of these
        for name in state.outputs:
            found[name] = _given(state.gives, name)._replace(level=level - 1)
    return level, (found,) if found else ()


def gives_of(node: NodeId, state: NodeState, outputs: Mapping[str, Json]) -> Layers:
    """What a settled node gives as inputs to the nodes after it, with these outputs of its
    own. A merge passes on the outputs of the nodes that it waited for, as near as its own."""
    if not outputs:
        return state.seen
    seen = _flat(state.seen) if isinstance(state.work, Join) else {}
    own = {
        name: Given(value, seen[name].node if name in seen else node, state.level)
        for name, value in outputs.items()
    }
    return _layers_over(state.seen, own)


def layers_of(
    run: Run, sources: Sequence[NodeId], *, inherits: bool
) -> tuple[Mapping[str, Json], ...]:
    """The inputs of a node with these sources, one map for each distance, nearest first."""
    if not inherits:
        return tuple(state.outputs for state in reversed(_source_states(run, sources)))
    at: dict[int, dict[str, Json]] = {}
    for name, given in _by_distance(seen_from(run, sources)[1]):
        at.setdefault(given.level, {})[name] = given.value
    return tuple(at.values())


def _source_states(run: Run, nodes: Iterable[NodeId]) -> list[NodeState]:
    """Their states; a re-run of a later version of the flow may lack a node."""
    return [run.settled(node) for node in nodes if node in run.nodes]


def _distinct(states: Iterable[NodeState], level: int) -> Iterable[tuple[Layers, int]]:
    """What reached these nodes, and by how many levels it moves; once where many got the same, so
    that a merge of a wide fan-out looks at it once. The last one decides its place."""
    found: dict[tuple[int, int], tuple[Layers, int]] = {}
    for state in states:
        nearer = level - 1 - state.level
        key = (id(state.seen), nearer)
        found.pop(key, None)
        found[key] = state.seen, nearer
    return found.values()


def _layers_over(layers: Layers, own: Mapping[str, Given]) -> Layers:
    """The layers below a new one."""
    below = list(layers)
    while below and len(below[-1]) <= len(own):
        own = {**below.pop(), **own}
    return (*below, own)


def _flat(layers: Layers) -> Mapping[str, Given]:
    return layers[0] if len(layers) == 1 else {n: g for layer in layers for n, g in layer.items()}


def _given(layers: Layers, name: str) -> Given:
    return next(layer[name] for layer in reversed(layers) if name in layer)


def _by_distance(layers: Layers) -> list[tuple[str, Given]]:
    return sorted(_flat(layers).items(), key=lambda item: (-item[1].level, item[0]))
