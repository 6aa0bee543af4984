"""Which events are on the disk before anyone can learn of them."""

from typing import Final

from floe.model.event import (
    Event,
    FlowPinned,
    GrantReturned,
    GrantRevoked,
    GrantSuperseded,
    NodeStarted,
    RunActivated,
    RunEnded,
    RunEnding,
    RunGranted,
    RunPended,
)
from floe.model.moving import RunResumed, RunReturned
from floe.model.people import RunEdited, RunResolved, RunRestarted
from floe.model.run import Run

PROMISES: Final = frozenset(
    {
        RunPended,
        FlowPinned,
        RunGranted,
        GrantReturned,
        GrantRevoked,
        GrantSuperseded,
        RunActivated,
        RunReturned,
        RunResumed,
        RunEnding,
        RunEnded,
        RunResolved,
        RunRestarted,
        RunEdited,
    }
)
"""Events that are on the disk before anyone can learn of them. So are a cancel, the answer to a
form and the notes of people. Other events are decided again after a loss: packing, a title, the
rest and the passes of a judged run."""


def is_promise(run: Run, event: Event) -> bool:
    """Whether a loss of power must not undo an event; `run` is its run after it.

    Such is the start of outside work, of which its taker knows, and of a node that is not
    idempotent.
    """
    if type(event) is not NodeStarted:
        return type(event) in PROMISES
    flow = run.flow
    if flow is None or flow.states is None:
        return event.take != ""
    return event.take != "" or not flow.by_id[event.node].idempotent
