"""Open child runs: those that an attempt of a run waits for."""

from floe.model.children import SubFlow
from floe.model.run import NodeState, Run


def has_child(state: NodeState) -> bool:
    """Whether an attempt of a node, or of an item of it, has an open child run."""
    if state.items is not None:
        return any(has_child(state.items.states[item]) for item in state.items.open)
    return isinstance(state.work, SubFlow) and state.phase == "started"


def is_timed_out(state: NodeState) -> bool:
    """Whether the open child run of the current attempt is cancelled: its time is over."""
    return state.timed_out == state.attempt


def children_of(run: Run) -> list[str]:
    """The keys of the open child runs that a run waits for."""
    return [child for node in run.open for child in children_at(run.nodes[node])]


def children_at(state: NodeState) -> list[str]:
    """The keys of the open child runs that a node and its items wait for."""
    parts = (part for part in state.parts() if part.items is None)
    return [part.child for part in parts if has_child(part)]
