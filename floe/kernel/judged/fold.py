"""The run of a judged flow after an event that it folds in its own way.

As all folding, it needs no flow, no clock and no decision.
"""

from collections.abc import Mapping, Set

from floe.kernel.judged.awaited import begun, with_update
from floe.kernel.judged.children import with_children
from floe.kernel.judged.index import reindexed
from floe.kernel.judged.limits import bytes_added
from floe.kernel.judged.node_fold import (
    action_ended,
    closed,
    entered,
    item_entered,
    node_set,
    node_settled,
)
from floe.kernel.judged.people_fold import edited, restarted
from floe.kernel.shared import with_item, with_last, with_member, without_member
from floe.model.event import Event, GrantRevoked, ItemEntered, NodeEntered, NodeSettled, RunEnding
from floe.model.ids import NO_ITEM, NodeId
from floe.model.judging import ActionEnded, NodeSet, RunNoted, UpdateReceived
from floe.model.nouns import replace
from floe.model.passes import Part, PassBegan, Passes, RunExtended, RunRested
from floe.model.people import PauseAsked, RunEdited, RunResolved, RunRestarted
from floe.model.run import NodeState, Run


def judged_after(run: Run, event: Event) -> Run | None:
    """The run of a judged flow after an event; None for one that it folds like any other run."""
    after = _after(run, event)
    return after and reindexed(run, after, event)


def _after(run: Run, event: Event) -> Run | None:
    passes, seq = run.passes, run.seq + 1
    assert passes is not None, "only a judged run is folded here"
    if size := bytes_added(event):
        passes = replace(passes, bytes=passes.bytes + size)
    match event:
        case NodeEntered():
            return entered(run, passes, event, seq)
        case ItemEntered():
            return item_entered(run, passes, event, seq)
        case ActionEnded():
            return action_ended(run, with_children(passes, event), event, seq)
        case NodeSettled():
            return node_settled(run, passes, event, seq)
        case NodeSet():
            return node_set(run, passes, event, seq)
        case UpdateReceived():
            changed = with_update(passes, event)
        case RunNoted():
            changed = replace(passes, notes=with_last(passes.notes, event))
        case RunExtended():
            extended = passes.extended + event.passes
            changed = replace(passes, extended=extended, extended_in=passes.number)
        case PauseAsked():
            changed = replace(passes, base=seq, pausing=event)
        case RunResolved():
            changed = replace(passes, resolution=event)
        case RunRestarted():
            return restarted(run, passes, seq)
        case RunEdited():
            return edited(run, passes, event, seq)
        case PassBegan():
            return _pass_began(run, passes, event, seq)
        case RunRested():
            rested = replace(
                passes,
                verdict=event.verdict,
                why=event.why,
                due=event.due,
                rested_at=event.at if event.number else None,
                paused_by=event.by,
                paused_at_rest=passes.verdict if event.by else "",
                pausing=None,
                ended=(),
                judged=0,
            )
            return replace(run, seq=seq, phase="resting", passes=rested)
        case GrantRevoked():
            return _revoked(run, passes, event, seq)
        case RunEnding():
            return _ending(run, passes, event, seq)
        case _:
            return None
    return replace(run, seq=seq, passes=changed)


def _pass_began(run: Run, passes: Passes, event: PassBegan, seq: int) -> Run:
    met = passes.met if event.leaves_waiting else None
    changed = replace(
        begun(passes),
        called=met,
        number=event.number,
        began_at=event.at,
        base=seq,
        entries={},
        rechecked=frozenset(),
        verdict="",
        why="",
        paused_by="",
        paused_at_rest="",
    )
    return replace(run, seq=seq, phase="active", nodes=_again(run, met), passes=changed)


def _again(run: Run, met: Set[Part] | None) -> Mapping[NodeId, NodeState]:
    """The nodes of a run whose parked items run again: those that await updates if they are met,
    or all of them."""
    nodes = run.nodes
    for node in run.open:
        state = nodes[node]
        assert state.items is not None, "only a node with items is open at rest"
        again, awaiting = _joined(state.items.again, state.items.parked), state.items.awaiting
        if met is None:
            again, awaiting = _joined(again, awaiting), frozenset()
        items = replace(state.items, again=again, parked=frozenset(), awaiting=awaiting)
        nodes = with_item(nodes, node, replace(state, items=items))
    for node, item in sorted(met or ()):
        listed = nodes[node].items if item != NO_ITEM and node in run.open else None
        if listed is not None:
            again, awaiting = with_member(listed.again, item), without_member(listed.awaiting, item)
            items = replace(listed, again=again, awaiting=awaiting)
            nodes = with_item(nodes, node, replace(nodes[node], items=items))
    return nodes


def _joined(members: Set[int], others: Set[int]) -> Set[int]:
    return frozenset(members).union(others) if members and others else members or others


def _revoked(run: Run, passes: Passes, event: GrantRevoked, seq: int) -> Run:
    """A run that goes on at its adopter from all that is known there."""
    return replace(
        run,
        seq=seq,
        phase="resting" if run.phase == "granted" else run.phase,
        epoch=max(run.epoch, event.epoch + 1),
        revoked=run.revoked + 1,
        host=run.ref.host,
        store=run.ref.store,
        workspace="",
        resumed=None,
        passes=replace(passes, base=seq),
    )


def _ending(run: Run, passes: Passes, event: RunEnding, seq: int) -> Run:
    ending = replace(
        run,
        seq=seq,
        phase="ending",
        good=event.good,
        result=event.result,
        why=event.why,
        end_tag=event.tag,
        ending_at=event.at,
        passes=replace(passes, verdict=event.label),
    )
    return closed(ending, run.open)
