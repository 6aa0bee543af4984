"""Whether a node has a process now, and a run a slot of its host."""

from floe.kernel.items import state_of
from floe.kernel.open_children import has_child
from floe.model.callback import Callback
from floe.model.ids import Key
from floe.model.run import NodeState, Run
from floe.model.work import Action, Work


def has_process(state: NodeState) -> bool:
    """Whether an attempt of this node, or of an item of it, may have a process now."""
    if state.items is not None:
        return any(has_process(state.items.states[item]) for item in state.items.open)
    is_action = isinstance(state.work, Action) and not only_waits(state.work)
    return is_action and state.phase in ("entered", "started")


def only_waits(work: Work | None) -> bool:
    """Whether work is a call that sends nothing: people pass its address on."""
    return isinstance(work, Callback) and work.request is None


def is_awaited(run: Run | None, key: Key) -> bool:
    """Whether a run still waits for the process of exactly this attempt."""
    state = state_of(run, key.node, key.item) if run else None
    return (
        run is not None
        and state is not None
        and (run.epoch, state.visit, state.attempt) == (key.epoch, key.visit, key.attempt)
        and state.phase in ("entered", "started")
    )


def goes_on(state: NodeState) -> bool:
    """Whether a node can settle only when a process or a child run has ended."""
    return has_process(state) or has_child(state)


def takes_slot(run: Run) -> bool:
    """Whether an open node of a run has a process, or is to have one.

    A run that only waits for forms, callbacks, timers and child runs takes no slot of its host, and
    a judged run takes none at all.
    """
    return run.passes is None and any(_needs_slot(run.nodes[node]) for node in run.open)


def _needs_slot(state: NodeState) -> bool:
    if isinstance(state.work, Callback):
        return has_process(state)  # while it sends its request
    return isinstance(state.work, Action)
