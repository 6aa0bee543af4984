"""Applies one event to a run. Needs no flow, no clock and no decision.

The logs of every release must fold: an event is applied as recorded, even if `decide` would no
longer produce it.
"""

from collections.abc import Iterable
from typing import assert_never

from floe.kernel.children import with_child
from floe.kernel.items import (
    begun,
    begun_state,
    placed,
    settled_item,
    with_taken,
)
from floe.kernel.judged.fold import judged_after
from floe.kernel.judged.opening import opened_run
from floe.kernel.loops import reset_nodes
from floe.kernel.moving import resumed_run, returned_run
from floe.kernel.node_changes import (
    armed_node,
    entered_node,
    repeated_node,
    settled_node,
    standing_after,
    with_tags,
)
from floe.kernel.outside_work import returned_state, taken_state
from floe.kernel.run_changes import (
    pended_run,
    refused_run,
    result_in,
    revoked_run,
    superseded_run,
    unhosted_run,
)
from floe.kernel.shared import with_item, with_member, without_member
from floe.kernel.skipping import skipped_visit
from floe.kernel.taken import taken_node
from floe.kernel.visits import visited
from floe.model.answers import CallAnswer, CallAnswered, DataAsked
from floe.model.children import ChildPended, ChildTimedOut
from floe.model.event import (
    CancelAsked,
    Event,
    FlowPinned,
    GrantReturned,
    GrantRevoked,
    GrantSuperseded,
    ItemEntered,
    ItemSettled,
    NodeEntered,
    NodeReset,
    NodeSettled,
    NodeSkipped,
    NodeStarted,
    RepeatArmed,
    RetryArmed,
    RetryDue,
    RunActivated,
    RunEnded,
    RunEnding,
    RunGranted,
    RunPacked,
    RunPended,
    WorkReturned,
)
from floe.model.ids import RunRef
from floe.model.judging import ActionEnded, NodeSet, RunNoted, UpdateReceived
from floe.model.moving import RunResumed, RunReturned
from floe.model.nouns import replace
from floe.model.old_reasons import result_of_row
from floe.model.passes import PassBegan, RunExtended, RunOpened, RunRested
from floe.model.people import PauseAsked, RunEdited, RunResolved, RunRestarted
from floe.model.run import Run
from floe.model.tags import TRIGGER_GOOD
from floe.model.taken import ItemsTaken, NodeTaken


def evolve(run: Run | None, event: Event, *, ref: RunRef | None = None) -> Run:
    """The run after an event. `run` is None, and `ref` given, for the first event alone."""
    if run is None:
        assert ref is not None, "the first event needs the name of its run"
        if isinstance(event, RunOpened):
            return opened_run(ref, event)
        assert isinstance(event, RunPended), "a log begins with RunPended or RunOpened"
        return pended_run(ref, event)
    if run.passes is not None and (judged := judged_after(run, event)) is not None:
        return judged
    seq = run.seq + 1
    match event:
        case NodeEntered():
            return _run(
                run,
                seq=seq,
                **visited(run, event.node, entered_node(run, event, seq)),
                open=with_member(run.open, event.node),
            )
        case ItemEntered():
            state = begun(run.nodes[event.node], event)
            return _run(run, seq=seq, nodes=placed(run, event.node, state))
        case ItemsTaken():
            state = with_taken(run.nodes[event.node], event.values, event.taken)
            return _run(run, seq=seq, nodes=with_item(run.nodes, event.node, state))
        case ItemSettled():
            return _run(run, seq=seq, nodes=placed(run, event.node, settled_item(run, event)))
        case NodeStarted() if event.take:
            state = taken_state(begun_state(run, event.node, event.item), event)
            return _run(run, seq=seq, nodes=placed(run, event.node, state))
        case WorkReturned():
            state = returned_state(begun_state(run, event.node, event.item), event)
            return _run(run, seq=seq, nodes=placed(run, event.node, state))
        case NodeStarted():
            return _with_node(run, event, seq, phase="started", started_at=event.started_at)
        case ChildPended() | ChildTimedOut():
            state = with_child(begun_state(run, event.node, event.item), event)
            return _run(run, seq=seq, nodes=placed(run, event.node, state))
        case NodeSettled():
            return _run(
                run,
                seq=seq,
                nodes=with_item(run.nodes, event.node, settled_node(run, event)),
                open=without_member(run.open, event.node),
                standing=standing_after(run, event, seq),
                title=event.title or run.title,
            )
        case NodeSkipped():
            return _run(
                run,
                seq=seq,
                **visited(run, event.node, skipped_visit(run, event, seq)),
                standing=with_tags(run.standing, (event.tag,), seq),
                title=event.title or run.title,
            )
        case NodeReset():
            return reset_nodes(run, event, seq)
        case NodeTaken():
            return _run(
                run,
                seq=seq,
                nodes=with_item(run.nodes, event.node, taken_node(run, event, seq)),
                standing=with_tags(run.standing, (event.tag, *event.tags), seq),
            )
        case DataAsked():
            return _with_node(
                run, event, seq, phase="asking", asked_at=event.at, output_bytes=event.output_bytes
            )
        case CallAnswered(values=values, by=by, good=good):
            return _with_node(run, event, seq, answer=CallAnswer(values, by, good))
        case RetryArmed():
            return _run(run, seq=seq, nodes=placed(run, event.node, armed_node(run, event)))
        case RepeatArmed():
            return _run(
                run, seq=seq, nodes=with_item(run.nodes, event.node, repeated_node(run, event))
            )
        case RetryDue():
            return _with_node(
                run,
                event,
                seq,
                phase="entered",
                attempt=event.attempt,
                queued_at=event.at,
                started_at=None,
                asked_at=None,
                output_bytes=0,
                due=None,
                child="",
                takes=None,
            )
        case RunActivated():
            return _run(
                unhosted_run(run),
                seq=seq,
                phase="active",
                epoch=event.epoch,
                host=event.host,
                store=run.store,
                workspace=event.workspace,
                moved_from=event.moved_from,
                standing={TRIGGER_GOOD: seq},
                started_at=event.at,
                fences=run.fences,
            )
        case RunReturned():
            return returned_run(run, seq)
        case RunResumed():
            return resumed_run(run, event, seq)
        case RunGranted():
            return _run(
                run,
                seq=seq,
                phase="granted",
                host=event.host,
                store=event.store,
                epoch=event.epoch,
                fences=event.fences,
                why="",
            )
        case GrantReturned():
            return refused_run(run, event, seq)
        case GrantRevoked():
            return revoked_run(run, event, seq)
        case GrantSuperseded():
            return superseded_run(run, event, seq)
        case FlowPinned():
            title = event.title or run.title
            group = event.group or run.group
            return _run(
                run, seq=seq, phase="pending", digest=event.digest, title=title, group=group
            )
        case CancelAsked():
            return _run(run, seq=seq, cancelled_by=event.by)
        case RunEnding():
            return _run(
                run,
                seq=seq,
                phase="ending",
                good=event.good,
                result=event.result or result_in(run, event),
                why=event.why,
                end_tag=event.tag,
                ending_at=event.at,
            )
        case RunEnded():
            return _run(
                run,
                seq=seq,
                phase="ended",
                good=event.good,
                result=run.result or result_of_row(event.good, event.why),
                why=event.why,
                open=frozenset(),
                ended_at=event.at,
                outputs=event.outputs,
            )
        case RunPacked():
            return _run(run, seq=seq, phase="packed", digests=event.digests)
        case RunPended() | RunOpened():
            raise AssertionError("a run begins once")
        case ActionEnded() | NodeSet() | UpdateReceived() | RunNoted():
            raise AssertionError("only a judged run has it")
        case PassBegan() | RunRested() | RunExtended() | PauseAsked():
            raise AssertionError("only a judged run has passes")
        case RunResolved() | RunRestarted() | RunEdited():
            raise AssertionError("only a judged run is resolved or edited")
        case _:
            assert_never(event)


def fold(ref: RunRef, events: Iterable[Event]) -> Run:
    """Fold a whole log into a run: evolve it event by event."""
    run: Run | None = None
    for event in events:
        run = evolve(run, event, ref=ref)
    assert run is not None, "a log has at least one event"
    return run


def _with_node(
    run: Run,
    event: NodeStarted | DataAsked | CallAnswered | RetryDue,
    seq: int,
    **changes: object,
) -> Run:
    state = _node(begun_state(run, event.node, event.item), **changes)
    return _run(run, seq=seq, nodes=placed(run, event.node, state))


_run = _node = replace
