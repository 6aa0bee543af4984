"""Applies one event to a run. Needs no flow, no clock and no decision.

The logs of every release must fold: an event is applied as recorded, even if `decide` would no
longer produce it.
"""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from floe.kernel.children import with_child
from floe.kernel.inputs import gives_of, seen_from
from floe.kernel.items import (
    attempt_of,
    begun,
    begun_state,
    outputs_of_items,
    placed,
    settled_item,
    with_taken,
)
from floe.kernel.loops import reset_nodes
from floe.kernel.process import has_process
from floe.kernel.result import result_of
from floe.kernel.shared import with_item, with_last, with_member, without_member
from floe.kernel.skipping import skipped_visit
from floe.kernel.taken import taken_node
from floe.kernel.visits import visited
from floe.model.children import ChildPended, ChildTimedOut
from floe.model.event import (
    CancelAsked,
    DataAsked,
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
)
from floe.model.ids import NO_ITEM, NodeId, RunRef
from floe.model.nouns import replace
from floe.model.old_reasons import result_of_row
from floe.model.result import RunResult
from floe.model.run import ItemStates, NodeState, Run
from floe.model.tags import TRIGGER_GOOD, Tag
from floe.model.taken import ItemsTaken, NodeTaken


def evolve(run: Run | None, event: Event, *, ref: RunRef | None = None) -> Run:
    """The run after an event. `run` is None, and `ref` given, for RunPended alone."""
    if run is None:
        assert isinstance(event, RunPended), "a log begins with RunPended"
        assert ref is not None, "RunPended needs the name of its run"
        return _pended(ref, event)
    seq = run.seq + 1
    match event:
        case NodeEntered():
            return _run(
                run,
                seq=seq,
                **visited(run, event.node, _entered(run, event, seq)),
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
        case NodeStarted():
            return _with_node(run, event, seq, phase="started", started_at=event.started_at)
        case ChildPended() | ChildTimedOut():
            state = with_child(begun_state(run, event.node, event.item), event)
            return _run(run, seq=seq, nodes=placed(run, event.node, state))
        case NodeSettled():
            return _run(
                run,
                seq=seq,
                nodes=with_item(run.nodes, event.node, _settled(run, event)),
                open=without_member(run.open, event.node),
                standing=_standing(run, event, seq),
                title=event.title or run.title,
            )
        case NodeSkipped():
            return _run(
                run,
                seq=seq,
                **visited(run, event.node, skipped_visit(run, event, seq)),
                standing=_with_tags(run.standing, (event.tag,), seq),
                title=event.title or run.title,
            )
        case NodeReset():
            return reset_nodes(run, event, seq)
        case NodeTaken():
            return _run(
                run,
                seq=seq,
                nodes=with_item(run.nodes, event.node, taken_node(run, event, seq)),
                standing=_with_tags(run.standing, (event.tag, *event.tags), seq),
            )
        case DataAsked():
            return _with_node(run, event, seq, phase="asking", asked_at=event.at)
        case RetryArmed():
            return _run(run, seq=seq, nodes=placed(run, event.node, _armed(run, event)))
        case RepeatArmed():
            return _run(run, seq=seq, nodes=with_item(run.nodes, event.node, _repeated(run, event)))
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
                due=None,
                child="",
            )
        case RunActivated():
            return _run(
                _reset(run),
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
            return _run(_reset(run), seq=seq, phase="pending", why=event.why)
        case GrantRevoked():
            return _revoked(run, event, seq)
        case GrantSuperseded():
            return _superseded(run, event, seq)
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
                result=event.result or _result_of(run, event),
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
        case RunPended():
            raise AssertionError("a run is pended once")
        case _:
            assert_never(event)


def fold(ref: RunRef, events: Iterable[Event]) -> Run:
    """Fold a whole log into a run: evolve it event by event."""
    run: Run | None = None
    for event in events:
        run = evolve(run, event, ref=ref)
    assert run is not None, "a log has at least RunPended"
    return run


def _result_of(run: Run, event: RunEnding) -> RunResult:
    """The result that an event of floe 0.1 leaves out."""
    return result_of(run, good=event.good, why=event.why, tag=event.tag)


def _pended(ref: RunRef, event: RunPended) -> Run:
    return Run(
        ref=ref,
        flow_id=event.flow,
        ver=event.ver,
        digest=event.digest,
        phase="reading" if event.digest is None else "pending",
        seq=1,
        trigger=event.trigger,
        values=event.values,
        by=event.by,
        title=event.title,
        group=event.group,
        pended_at=event.at,
        rerun_of=event.rerun_of,
        taken=event.taken,
        items_taken=event.items_taken,
        children_again={(one.node, one.item): one.run for one in event.children},
        parent=event.parent,
        only=event.only,
    )


def _with_node(
    run: Run, event: NodeStarted | DataAsked | RetryDue, seq: int, **changes: object
) -> Run:
    item = NO_ITEM if isinstance(event, DataAsked) else event.item
    state = _node(begun_state(run, event.node, item), **changes)
    return _run(run, seq=seq, nodes=placed(run, event.node, state))


def _standing(run: Run, event: NodeSettled, seq: int) -> Mapping[Tag, int]:
    if event.tag is None:
        return run.standing
    return _with_tags(run.standing, (event.tag, *event.tags), seq)


def _with_tags(standing: Mapping[Tag, int], tags: Iterable[Tag], seq: int) -> Mapping[Tag, int]:
    for tag in tags:
        standing = with_item(standing, tag, seq)
    return standing


def _entered(run: Run, event: NodeEntered, seq: int) -> NodeState:
    level, seen = seen_from(run, event.sources) if event.inherits else (0, ())
    return NodeState(
        phase="entered",
        work=event.work,
        visit=event.visit,
        attempt=1,
        woke=seq,
        sources=event.sources,
        inherits=event.inherits,
        level=level,
        seen=seen,
        entered_at=event.at,
        queued_at=event.at,
        items=ItemStates(values=event.items) if event.items else None,
    )


def _armed(run: Run, event: RetryArmed) -> NodeState:
    state = begun_state(run, event.node, event.item)
    return _node(
        state,
        phase="armed",
        due=event.due,
        tries=state.tries if event.lost else state.tries + 1,
        attempts=with_last(state.attempts, attempt_of(state, event)),
    )


def _repeated(run: Run, event: RepeatArmed) -> NodeState:
    state = run.nodes[event.node]
    attempts = with_last(state.attempts, attempt_of(state, event))
    tries, outputs = state.tries + 1, event.outputs
    return _node(
        state, phase="armed", due=event.due, tries=tries, outputs=outputs, attempts=attempts
    )


def _settled(run: Run, event: NodeSettled) -> NodeState:
    state = run.nodes[event.node]
    items = state.items
    is_over = state.phase == "armed" or items is not None
    attempts = state.attempts if is_over else with_last(state.attempts, attempt_of(state, event))
    outputs = outputs_of_items(items) if items else event.outputs
    return _node(
        state,
        phase="settled",
        due=None,
        settled_at=event.ended_at,
        outcome=event.outcome,
        tag=event.tag,
        good=event.good,
        outputs=outputs,
        output_bytes=event.output_bytes,
        by=event.by,
        attempts=attempts,
        tags=event.tags,
        gives=gives_of(event.node, state, outputs) if state.inherits else (),
    )


def _revoked(run: Run, event: GrantRevoked, seq: int) -> Run:
    """Take a new epoch for the adopter: the lost host may have continued under the old one, and the
    copy of a run with the higher (epoch, seq) wins."""
    return _run(
        _reset(run),
        seq=seq,
        phase="pending",
        epoch=max(run.epoch, event.epoch + 1),
        revoked=run.revoked + 1,
    )


def _superseded(run: Run, event: GrantSuperseded, seq: int) -> Run:
    """End this branch of the log; only the processes that still run here are stopped."""
    running = frozenset(n for n in run.open if has_process(run.nodes[n]))
    nodes = run.nodes
    for node in running:
        nodes = with_item(nodes, node, _with_processes(nodes[node]))
    return _run(
        run,
        seq=seq,
        phase="ending" if running else "ended",
        nodes=nodes,
        open=running,
        good=False,
        result="cancelled" if event.by else "bad",
        cancelled_by=event.by or run.cancelled_by,
        why=event.why or "went on elsewhere: this host had been forgotten",
        superseded=run.seq,
        ending_at=event.at,
        ended_at=None if running else event.at,
    )


def _with_processes(state: NodeState) -> NodeState:
    """A node, open for those of its items that run."""
    items = state.items
    if items is None:
        return state
    running = frozenset(item for item in items.open if has_process(items.states[item]))
    return replace(state, items=replace(items, open=running))


def _reset(run: Run) -> Run:
    """The run without any effect of a host."""
    return _run(
        run,
        host=None,
        store=None,
        workspace="",
        moved_from="",
        fences={},
        nodes=_NONE,
        earlier=_NONE,
        open=frozenset(),
        standing={},
        started_at=None,
        why="",
    )


_NONE: Final[Mapping[NodeId, object]] = {}


_run = _node = replace
