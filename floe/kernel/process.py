"""Whether a node has a process now, and a run a slot of its host."""

from floe.model.flow import Action
from floe.model.run import NodeState, Run


def has_process(state: NodeState) -> bool:
    """Whether an attempt of this node may have a process now."""
    return isinstance(state.work, Action) and state.phase in ("entered", "started")


def takes_slot(run: Run) -> bool:
    """Whether an open node of a run has a process, or is to have one.

    A run that only waits for forms and timers takes no slot of its host.
    """
    return any(isinstance(run.nodes[node].work, Action) for node in run.open)
