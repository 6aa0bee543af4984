"""The nodes that enter with the opening of a run, in the step that opens it."""

from floe.kernel.judged.part import passes_of
from floe.kernel.judged.rest import rest
from floe.kernel.judged.verdicts import FINDING
from floe.kernel.run_step import RunStep
from floe.model.call import Call, OutsideWork
from floe.model.event import NodeEntered
from floe.model.judging import Enter, RunNoted
from floe.model.opening import ENTERS_MAX, BeginOpened

BY_OPENING = "opening"
"""Who noted what is wrong with an opening."""


def begin_opened(step: RunStep, signal: BeginOpened) -> None:
    """Enter the nodes of an opening, once; a run without anything to do is over at once."""
    if step.run.seq != 1:
        return
    for entry in signal.enters[:ENTERS_MAX]:
        if fault := _fault(step, entry):
            _find(step, entry, fault)
        else:
            step.add(NodeEntered(at=step.now, node=entry.node, visit=1, attempt=1, work=entry.work))
    if (count := len(signal.enters)) > ENTERS_MAX:
        _find(step, signal.enters[-1], f"{count:,} nodes enter, of at most {ENTERS_MAX:,}")
    rest(step)


def _fault(step: RunStep, entry: Enter) -> str:
    """Why a node cannot enter with the opening; empty if it can."""
    node = step.flow.by_id.get(entry.node)
    if step.run.phase != "active":
        return f"cannot enter: the run rests as {passes_of(step.run).verdict}"
    if node is None:
        return "is not in the flow"
    if node.id in step.run.nodes:
        return "has entered"
    if node.foreach is not None or not isinstance(entry.work, Call | OutsideWork):
        return "cannot enter without a question"
    return ""


def _find(step: RunStep, entry: Enter, what: str) -> None:
    value = f"wrong opening: {entry.node} {what}"
    step.add(RunNoted(at=step.now, by=BY_OPENING, kind=FINDING, key=str(entry.node), value=value))
