"""What people do to a run of a judged flow: whether it is allowed, and the events of it."""

from collections.abc import Set
from typing import assert_never

from floe.kernel.items import state_of
from floe.kernel.judged.limits import NOTE_BYTES_MAX, NOTES_MAX, run_excess, update_fault
from floe.kernel.judged.part import is_expanded, part_text
from floe.kernel.judged.prune import prune_all
from floe.kernel.judged.rest import begin_pass, end, pause, rest
from floe.kernel.judged.states import EDIT, NewState, put
from floe.kernel.run_step import RunStep
from floe.model.codec import to_text
from floe.model.event import CancelAsked
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, NodeId
from floe.model.judging import RunNoted, Update
from floe.model.nouns import replace
from floe.model.passes import BeginPass, Extend, Passes, RunRested
from floe.model.people import (
    AddNote,
    Edit,
    EndRun,
    Pause,
    PauseAsked,
    PeopleSignal,
    Resolve,
    Restart,
    RunEdited,
    RunResolved,
    RunRestarted,
    StateEdit,
)
from floe.model.run import NodeState, Run
from floe.model.states import StateTable

Refusable = PeopleSignal | BeginPass | Extend | Update
"""Signals to a judged run whose sender gets the reason if they change nothing."""


def refusal(run: Run, signal: Refusable) -> str:
    """Why a person, or an update, cannot do this to a run now; empty if it is allowed."""
    passes = run.passes
    if passes is None:
        return "its flow is not judged"
    if run.phase in ("ended", "packed"):
        return "it is over"
    if isinstance(signal, AddNote):
        return _note_fault(passes, signal)
    if run.phase == "ending":
        return "it is ending"
    if isinstance(signal, Update):
        return update_fault(passes, signal)
    if isinstance(signal, EndRun):
        return "" if signal.label else "its end needs a label"
    if isinstance(signal, Resolve) and passes.resolution is not None:
        return f"{passes.resolution.by} resolved it"
    if run.phase in ("pending", "granted"):
        return "it is on its way to a different host"
    if isinstance(signal, Extend):
        return "" if signal.passes > 0 else "an extension has at least one pass"
    if isinstance(signal, Pause):
        return _pause_fault(run, passes, signal)
    if run.phase != "resting":
        return f"pass {passes.number} is not over"
    match signal:
        case BeginPass():
            return ""
        case Resolve():
            return "it had a pass" if passes.number else ""
        case Restart():
            return "" if passes.number else "it had no pass yet"
        case Edit():
            return _edit_fault(run, passes, signal)
        case _:
            assert_never(signal)


def decide_people(step: RunStep, signal: PeopleSignal) -> None:
    """Record what a person does to a run, unless it is refused."""
    if refusal(step.run, signal):
        return
    match signal:
        case AddNote(by=by, kind=kind, key=key, value=value):
            step.add(RunNoted(at=step.now, by=by, kind=kind, key=key, value=value))
        case EndRun(by=by, label=label, why=why):
            step.add(CancelAsked(at=step.now, by=by, why=why))
            text = f"{label} by {by}" + (f": {why}" if why else "")
            end(step, "cancelled", text, label=label)
        case Resolve():
            _resolve(step, signal)
        case Restart():
            step.add(RunRestarted(at=step.now, by=signal.by))
            _resolve(step, signal)
        case Edit():
            _edit(step, signal)
        case Pause(by=by, verdict=verdict) if step.run.phase == "resting":
            pause(step, by=by, verdict=verdict)
        case Pause(by=by, verdict=verdict):
            step.add(PauseAsked(at=step.now, by=by, verdict=verdict))
            rest(step)
        case _:
            assert_never(signal)


def _note_fault(passes: Passes, note: AddNote) -> str:
    if not note.kind:
        return "a note needs a kind"
    if len(passes.notes) >= NOTES_MAX:
        return f"it has {NOTES_MAX:,} notes, and no more fit"
    size = len(to_text([note.kind, note.key, note.value]).encode())
    if size > NOTE_BYTES_MAX:
        return f"a note has at most {NOTE_BYTES_MAX:,} bytes"
    excess = run_excess(passes, size)
    return f"the note {excess}" if excess else ""


def _pause_fault(run: Run, passes: Passes, signal: Pause) -> str:
    if not signal.verdict:
        return "a pause needs a verdict"
    if by := passes.pausing.by if passes.pausing else passes.paused_by:
        return f"{by} paused it"
    if run.phase == "active" and not signal.force:
        return f"pass {passes.number} is not over; `force` keeps what has not begun from entering"
    return ""


def _resolve(step: RunStep, signal: Resolve | Restart) -> None:
    by, resolution, values = signal.by, signal.resolution, signal.values
    step.add(RunResolved(at=step.now, by=by, resolution=resolution, values=values))
    if isinstance(signal, Resolve) and signal.due is not None:
        step.add(RunRested(at=step.now, number=0, verdict=signal.verdict, due=signal.due))
        return
    begin_pass(step, by=by)
    rest(step)


def _edit_fault(run: Run, passes: Passes, edit: Edit) -> str:
    """Why an edit fits neither the run nor its new flow; empty if it does."""
    old, gone = run.flow, frozenset(edit.gone)
    assert old is not None, "the flow of a run at rest is attached"
    flow = old if edit.digest == run.digest else edit.flow
    if edit.base != passes.base:
        return "it changed since it was read"
    if flow.id != run.flow_id or flow.states is None:
        return "the edited flow is a different one, or is not judged"
    if (flow.resource_tags, flow.reuse_space) != (old.resource_tags, old.reuse_space):
        return "an edit cannot change what a run holds: its resources and its workspace"
    if not (edit.states or gone or edit.values is not None or edit.digest != run.digest):
        return "the edit changes nothing"
    if unknown := gone.difference(run.nodes):
        return f"no state of {min(unknown)} can go: it has none"
    set_anew = gone.union(one.node for one in edit.states if one.item == NO_ITEM)
    for node, state in run.nodes.items():
        if node not in set_anew and (fault := _kept_fault(run, flow, flow.states, node, state)):
            return fault
    return next(filter(None, (_state_fault(run, flow, one, set_anew) for one in edit.states)), "")


def _kept_fault(run: Run, flow: Flow, table: StateTable, id: NodeId, state: NodeState) -> str:
    """Why a node cannot keep its state in an edited flow."""
    node = flow.by_id.get(id)
    if node is None:
        return f"{id} has a state, and the edited flow does not have it"
    states = state.items.states.values() if state.items and is_expanded(run, id) else (state,)
    names = [one.state for one in states if one.state]
    if lost := [name for name in names if name not in table.by_name]:
        return f"{node.ref} is {lost[0]}, which is no state of the edited flow"
    if is_expanded(run, id) and node.foreach is None:
        return f"{node.ref} has items left, and none in the edited flow"
    return ""


def _state_fault(run: Run, flow: Flow, one: StateEdit, set_anew: Set[NodeId]) -> str:
    """Why a node, or an item of it, cannot have the state that a person gives it."""
    node, table = flow.by_id.get(one.node), flow.states
    assert table is not None, "the edited flow is judged"
    if node is None:
        return f"the edited flow has no {one.node}"
    if one.state not in table.by_name:
        return f"{part_text(node, one.item)} cannot be {one.state!r}, which is no state"
    if one.item == NO_ITEM:
        return ""
    has_begun = is_expanded(run, node.id) and state_of(run, node.id, one.item) is not None
    if node.id in set_anew or not has_begun:
        return f"{part_text(node, one.item)} has not begun"
    return ""


def _edit(step: RunStep, edit: Edit) -> None:
    is_new = edit.digest != step.run.digest
    anew = (one.node for one in edit.states if one.item == NO_ITEM)
    left = (node for node in anew if is_expanded(step.run, node))
    step.add(
        RunEdited(
            at=step.now,
            by=edit.by,
            digest=edit.digest,
            flow=edit.flow if is_new else None,
            values=edit.values,
            gone=tuple(dict.fromkeys((*edit.gone, *left))),
        )
    )
    step.attached = replace(step.attached, flow=step.run.flow)
    for one in edit.states:
        new = NewState(name=one.state, why=one.why, outputs=one.outputs, by=EDIT)
        put(step, (one.node, one.item), new)
    prune_all(step)
