"""Explains what a run waits for, or why it ended: in sentences and in their parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, assert_never

from floe.kernel.coming_tags import awaited_clauses, can_come, coming_nodes
from floe.kernel.items import done_text, item_text, open_items
from floe.kernel.judged.why import why_judged
from floe.kernel.loops import awaited_round, visit_text
from floe.kernel.match import may_enter, missing
from floe.kernel.open_children import children_at, is_timed_out
from floe.kernel.outside_work import NO_TAKERS, Takers, wait_text
from floe.kernel.owed import asked_until, key_of, wait_due
from floe.kernel.place import Refusals
from floe.kernel.repeat import repetition_text, until_text
from floe.kernel.rest import never_entered, skip_of
from floe.kernel.sentences import PARTS_MAX, either, first_parts
from floe.model.call import OutsideWork
from floe.model.children import SubFlow
from floe.model.codec import iso
from floe.model.flow import Flow, Node
from floe.model.ids import Key, NodeId, RunRef
from floe.model.old_reasons import reason_today
from floe.model.run import NodeState, Run
from floe.model.tags import SKIPPED, Tag, emitter_of, label_of
from floe.model.why import NeverRan, Why
from floe.model.work import Ask, Wait

ITEMS_SHOWN: Final = 3
"""Open items of a node that an explanation names; it counts the rest."""


class KnownOfWaits(NamedTuple):
    """What a host knows of what open nodes wait for, as `why` gets it."""

    queued: Collection[Key]
    limit: str
    stuck: Mapping[Key, str]
    children: Mapping[str, str]
    takers: Takers


def why(
    run: Run,
    refusals: Refusals | None = None,
    *,
    queued: Collection[Key] = (),
    limit: str = "",
    stuck: Mapping[Key, str] | None = None,
    trouble: str = "",
    is_held_back: bool = False,
    children: Mapping[str, str] | None = None,
    takers: Takers = NO_TAKERS,
) -> Why:
    """The answer to `floe why`.

    `refusals`: the last result of `place` for a pending run. `queued`: the attempts of an active
    run that wait for a slot for commands; `limit`: why the host has fewer slots than its config
    allows. `stuck`: attempts that wait for a file system, with its problem. `trouble`: a problem
    of the answering host, as a sentence without its subject. `is_held_back`: the run came from a
    store's backup. `children`: by key, the names of child runs with where they are. `takers`: who
    may take outside work.
    """
    if is_held_back:
        return Why(
            text=f"held for the operator: the store here is a copy of {run.ref.store}, from which "
            "this run may have continued; floe cancel ends it here, and if it has not continued, "
            "trigger it again"
        )
    match run.phase:
        case "reading":
            return Why(
                text=f"reading flow-file; {run.ref.host} {trouble}"
                if trouble
                else "reading flow-file"
            )
        case "pending":
            return _why_pending(run, refusals)
        case "granted":
            here = f"; {run.ref.host} {trouble}" if trouble else ""
            return Why(text=f"offered to {run.host}, which has not answered yet{here}")
        case "active" if run.passes is None:
            known = KnownOfWaits(queued, limit, stuck or {}, children or {}, takers)
            return _why_active(run, _flow(run), known, trouble)
        case "active" | "resting":
            return why_judged(run, takers)
        case "ending":
            return _why_ending(run, _flow(run), trouble, children or {})
        case "ended" | "packed":
            return _why_ended(run)
        case _:
            assert_never(run.phase)


def _why_pending(run: Run, refusals: Refusals | None) -> Why:
    waits = _why_unplaced(run, refusals)
    if run.started_at is None:
        return waits
    return replace(waits, text=f"moves to a different host with all that is done: {waits.text}")


def _why_unplaced(run: Run, refusals: Refusals | None) -> Why:
    if refusals is None:
        last = f"; the last host refused: {run.why}" if run.why else ""
        return Why(text=f"waits for a host{last}")
    parts = [f"{host} {' and '.join(reasons)}" for host, reasons in refusals.by_host.items()]
    if refusals.resources:
        return Why(text=f"waits for {first_parts(refusals.resources)}", hosts=refusals.by_host)
    if not parts:
        return Why(text="waits for a host: none is known")
    return Why(text=f"waits for a host: {first_parts(parts)}", hosts=refusals.by_host)


def _why_active(run: Run, flow: Flow, known: KnownOfWaits, trouble: str) -> Why:
    coming = coming_nodes(run, flow)
    waiting: dict[str, tuple[str, ...]] = {}
    for node in flow.nodes:
        if node.id in run.open:
            waiting[node.ref] = (_why_open(run, node, known),)
        elif may_enter(run, node):
            waiting[node.ref] = _why_unentered(run, flow, node, coming)
        elif node.loop and (last := awaited_round(run, flow, node)):
            names = first_parts([flow.by_id[id].ref for id in last])
            waiting[node.ref] = (f"its next round begins after {names}",)
    open_ = [
        f"{flow.by_id[n].ref}: {waiting[flow.by_id[n].ref][0]}" for n in run.nodes if n in run.open
    ]
    text = f"waits for {first_parts(open_)}"
    if run.resumed is not None:
        text += f"; it moved to {run.host} at {iso(run.resumed.at)}"
    if trouble and any(run.nodes[n].phase in ("entered", "started") for n in run.open):
        text += f"; {run.host} {trouble}"
    return Why(text=text, waiting=waiting, skipped=_skipped(run, flow))


def _skipped(run: Run, flow: Flow) -> dict[str, str]:
    return {node.ref: why for node in flow.nodes if (why := skip_of(run, node.id))}


def _why_ending(run: Run, flow: Flow, trouble: str, children: Mapping[str, str]) -> Why:
    open_ = [node for node in flow.nodes if node.id in run.open]
    waiting = {node.ref: ("being stopped",) for node in open_}
    parts = [*waiting]
    for at, node in enumerate(open_):
        if keys := children_at(run.nodes[node.id]):
            names = first_parts([_child(key, children) for key in keys])
            waiting[node.ref] = (f"the end of its child {names}",)
            parts[at] = f"{node.ref} ({names})"
    here = f"; {run.host} {trouble}" if trouble else ""
    text = f"ends {_result(run)}: {run.why}; stops {first_parts(parts)}{here}"
    return Why(text=text, waiting=waiting, skipped=_skipped(run, flow))


def _child(key: str, children: Mapping[str, str]) -> str:
    """A child run for people, with where it is as far as the caller knows."""
    return children.get(key) or str(RunRef.parse(key))


def _why_ended(run: Run) -> Why:
    text = reason_today(run.why)
    if run.result in ("good", "bad"):
        text = f"ended {run.result}: {text}"
    if run.flow is None:
        return Why(text=text)
    if run.end_tag and not run.good and run.end_tag not in run.flow.hearers:
        text += f"; no node listens to {run.end_tag}"
    never = {n.ref: _why_never(run, run.flow, n) for n in never_entered(run, run.flow)}
    if never:
        text += f"; never ran: {first_parts([*never])}"
    return Why(text=text, never=never, skipped=_skipped(run, run.flow))


def _why_never(run: Run, flow: Flow, node: Node) -> NeverRan:
    clauses = missing(run, node)
    if not clauses:
        return NeverRan((), "the run ended first")
    reasons = [_why_lacking(run, flow, clause) for clause in clauses]
    return NeverRan(tuple(t for clause in clauses for t in clause), first_parts(reasons))


def _why_lacking(run: Run, flow: Flow, clause: Sequence[Tag]) -> str:
    """Why none of some alternative tags comes: `A was not good and B did not run`."""
    reasons = dict.fromkeys(_why_absent(run, flow, tag) for tag in clause)
    return " and ".join([*reasons][:PARTS_MAX])


def _why_absent(run: Run, flow: Flow, tag: Tag) -> str:
    """Why a tag does not come: `Approval by Ops was not rejected`."""
    node = emitter_of(tag)
    if node is None:
        return "the trigger fires once" if run.standing else "the run did not begin"
    name, state, label = flow.by_id[node].name, run.nodes.get(node), label_of(tag)
    if state is None or state.outcome is None:
        return f"{name} did not run"
    if state.tag is None:
        return f"{name} was stopped"
    if state.is_skipped:
        return f"{name} was skipped"
    if state.tag == tag:
        return f"{name} does not run again"
    if isinstance(state.work, Ask):
        return f"{name} was not {'approved' if label == 'good' else 'rejected'}"
    return f"{name} did not exit with {label}" if label.isdecimal() else f"{name} {_NOT[label]}"


_NOT: Final = {
    "good": "was not good",
    "bad": "was not bad",
    "error": "had no error",
    SKIPPED: "was not skipped",
}


def _why_open(run: Run, node: Node, known: KnownOfWaits) -> str:
    state = run.nodes[node.id]
    what = _why_attempt(run, node, state, known)
    parts = [
        visit_text(state, node),
        "" if state.phase == "armed" else repetition_text(node, state),
    ]
    counted = ", ".join(filter(None, parts))
    return f"{what} ({counted})" if counted else what


def _why_attempt(run: Run, node: Node, state: NodeState, known: KnownOfWaits) -> str:
    if (items := state.items) is not None:
        opened = open_items(state)
        whys = [(one.item, _why_attempt(run, node, one, known)) for one in opened[:ITEMS_SHOWN]]
        parts = [f"{item_text(items, item)}: {why}" for item, why in whys]
        more = f"; and {more} more" if (more := len(opened) - ITEMS_SHOWN) > 0 else ""
        return f"{'; '.join((done_text(items), *parts))}{more}"
    if problem := known.stuck.get(key_of(run, node.id, state)):
        return f"its files: {run.host} {problem}"
    match state.phase, state.work:
        case "armed", _:
            return f"{_why_again(state, node)} at {iso(state.due)}{until_text(node, state)}"
        case "asking", Ask(form=form):
            return f"a person: form {form.title}"
        case "asking", _:
            due = asked_until(node, state)
            return "an answer at its callback" + (f" until {iso(due)}" if due else "")
        case _, Wait():
            return f"its time at {iso(wait_due(run, node.id))}"
        case "started", SubFlow():
            late = ", cancelled since its time is over" if is_timed_out(state) else ""
            new = f"; {state.why_new}" if state.why_new else ""
            return f"its child {_child(state.child, known.children)}{late}{new}"
        case _, OutsideWork() as work:
            return wait_text(state, work, known.takers)
        case "started", _:
            return f"running since {iso(state.started_at)}"
        case _ if key_of(run, node.id, state) in known.queued:
            place = f"a place among the commands of {run.host} since {iso(state.queued_at)}"
            return f"{place}: {known.limit}" if known.limit else place
        case _:
            return f"to be started since {iso(state.queued_at)}"


def _why_again(state: NodeState, node: Node) -> str:
    if node.repeat and state.tries:
        return repetition_text(node, state)
    if state.tries:
        return f"retry {state.tries} of {node.retry.max}"
    return f"attempt {state.attempt + 1}, since the last was lost,"


def _why_unentered(
    run: Run, flow: Flow, node: Node, coming: Mapping[NodeId, Node]
) -> tuple[str, ...]:
    clauses = awaited_clauses(run, node)
    if not clauses:
        return ("can never enter: it listens to nothing",)
    gone = [c for c in clauses if not any(can_come(run, t, coming) for t in c)]
    if gone:
        return tuple(f"cannot run: {_why_lacking(run, flow, c)}" for c in gone)
    return tuple(either(c) for c in clauses)


def _result(run: Run) -> str:
    return "good" if run.good else "bad"


def _flow(run: Run) -> Flow:
    assert run.flow is not None, "the flow of an active run is attached"
    return run.flow
