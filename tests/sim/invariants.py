"""What holds of every run and every cluster whatever reached it, named once.

Those of a run take it and its whole log, and say by an AssertionError that they do not hold.
Those of a cluster take what an all-seeing observer recorded, and raise `Broken` with their name.
Numbers are those of the list in docs/reliability.md.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from floe.expr.paths import value_at
from floe.feed.directory import KIND as LISTED
from floe.host.inputs import Start
from floe.host.passed_over import PASSED_OVER
from floe.host.removal import SWEEP
from floe.host.site import SiteSettings
from floe.host.step_result import Recorded
from floe.kernel.coming_tags import is_behind_loop
from floe.kernel.condition import unmet
from floe.kernel.evolve import evolve, fold
from floe.kernel.match import may_enter
from floe.kernel.open_children import children_of, is_timed_out
from floe.kernel.owed import WHOLE, owed, owed_by
from floe.kernel.place import HOST_SCOPED, Refusals
from floe.kernel.process import has_process, is_awaited
from floe.kernel.why import why
from floe.model.answers import DataAsked
from floe.model.effect import PackArchive, SetTimer, StartAction, StopAction, StopChild
from floe.model.event import (
    Event,
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
)
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Instant, Json, Key, NodeId, RunRef
from floe.model.moving import RunResumed
from floe.model.peer_message import Accepted, Ended, Envelope, Offer, Refused
from floe.model.run import NodeState, Run
from floe.model.summary import Summary
from floe.model.taken import ItemsTaken, ItemTaken, NodeTaken
from floe.model.work import Ask, Join
from floe.store.base import Record
from tests.sim import moving
from tests.sim.disk import Disk
from tests.sim.flows import DIGESTS, FLOWS, NOBODY
from tests.sim.node_invariants import OF_A_LOG, OF_STEPS, check_state, steps_of
from tests.sim.truth import Branch, Broken, Place, Truth, read_fence

if TYPE_CHECKING:
    from tests.sim.machine import Machine
    from tests.sim.world import World

Invariant = Callable[[Run, Sequence[Event]], None]


def run_is_its_log(run: Run, log: Sequence[Event]) -> None:
    """Folding the log gives the run, and each event is one more."""
    assert fold(run.ref, log) == run
    assert run.seq == len(log)


def owed_by_parts_is_owed(run: Run, log: Sequence[Event]) -> None:
    """What is owed is owed by the run itself, by an open node, or by an open item of one."""
    items = [(n, s.item) for n in run.nodes for s in run.nodes[n].parts()]
    assert owed(run) == owed_by(run, WHOLE).union(*(owed_by(run, *part) for part in items))


def attempt_starts_once(run: Run, log: Sequence[Event]) -> None:
    """4: an attempt of a node starts at most once, and is followed by a later one."""
    for events in _by_epoch(log):
        starts = Counter(_attempt(e) for e in events if isinstance(e, NodeStarted))
        dues = [_attempt(e) for e in events if isinstance(e, RetryDue)]
        assert not starts or max(starts.values()) == 1
        assert len(dues) == len(set(dues))
        assert all(attempt > 1 for *_, attempt in dues)


def retries_are_bounded(run: Run, log: Sequence[Event]) -> None:
    """A node is tried again at most `retry.max` times a visit, lost attempts aside.

    With `repeat` it has at most `repeat.max` attempts.
    """
    assert run.flow is not None
    most = {n.id: n.repeat.max - 1 if n.repeat else n.retry.max for n in run.flow.nodes}
    for events in _by_epoch(log):
        again = [e for e in events if isinstance(e, RetryArmed | RepeatArmed)]
        armed = Counter(
            (e.node, e.visit, NO_ITEM if isinstance(e, RepeatArmed) else e.item)
            for e in again
            if isinstance(e, RepeatArmed) or not e.lost
        )
        assert all(count <= most[node] for (node, *_), count in armed.items())


def items_are_done_once(run: Run, log: Sequence[Event]) -> None:
    """No item of a node is lost or doubled: each begins once, in order, and settles once.

    An item that was taken over from an earlier run begins no more.
    """
    assert run.flow is not None
    for events in _by_epoch(log):
        lists = {(e.node, e.visit): len(e.items) for e in events if isinstance(e, NodeEntered)}
        begun: dict[tuple[NodeId, int], list[int]] = {}
        settled: dict[tuple[NodeId, int], set[int]] = {}
        for event in events:
            match event:
                case ItemsTaken(node=node, visit=visit, taken=taken):
                    begun[node, visit] = [one.item for one in taken]
                    settled[node, visit] = {one.item for one in taken}
                case ItemEntered(node=node, visit=visit, item=item):
                    each = begun.setdefault((node, visit), [])
                    over = settled.setdefault((node, visit), set())
                    due = (n for n in range(lists[node, visit]) if n not in each)
                    assert item == next(due, None)
                    each.append(item)
                    foreach = run.flow.by_id[node].foreach
                    assert foreach is not None
                    assert not foreach.parallel or len(each) - len(over) <= foreach.parallel
                case ItemSettled(node=node, visit=visit, item=item):
                    assert item in begun[node, visit]
                    assert item not in settled[node, visit]
                    settled[node, visit].add(item)
                case GrantSuperseded():
                    break  # of its copy only processes end; an item that waits does not settle
                case NodeSettled(node=node, visit=visit, outcome=outcome):
                    each = begun.get((node, visit), [])
                    assert set(each) == settled.get((node, visit), set())
                    is_whole = len(each) == lists.get((node, visit), len(each))
                    assert is_whole or outcome.result != "good"
                case _:
                    pass


def activations_have_growing_epochs(run: Run, log: Sequence[Event]) -> None:
    """2: a run is activated at most once under an epoch, and never under an older one."""
    epochs = [e.epoch for e in log if isinstance(e, RunActivated | RunResumed)]
    assert epochs == sorted(set(epochs))


def visit_settles_once(run: Run, log: Sequence[Event]) -> None:
    """A visit of a node is entered at most once per epoch, and settles at most once after it."""
    for events in _by_epoch(log):
        entered = [(e.node, e.visit) for e in events if isinstance(e, NodeEntered)]
        settled = [(e.node, e.visit) for e in events if isinstance(e, NodeSettled)]
        skipped = [(e.node, e.visit) for e in events if isinstance(e, NodeSkipped)]
        assert len(set(entered).union(skipped)) == len(entered) + len(skipped)
        assert len(entered) == len(set(entered))
        assert len(settled) == len(set(settled))
        assert set(settled) <= set(entered)


def node_enters_again_only_after_a_reset(run: Run, log: Sequence[Event]) -> None:
    """A node enters as its next visit, and after the first only if it settled and was reset."""
    for events in _by_epoch(log):
        visits: dict[NodeId, int] = {}
        settled: set[NodeId] = set()
        reset: set[NodeId] = set()
        for event in events:
            match event:
                case NodeEntered(node=node, visit=visit) | NodeSkipped(node=node, visit=visit):
                    if isinstance(event, NodeSkipped):
                        settled.add(node)
                    assert visit == visits.get(node, 0) + 1
                    assert visit == 1 or node in reset
                    visits[node] = visit
                    reset.discard(node)
                case NodeSettled(node=node):
                    settled.add(node)
                case NodeTaken(node=node):
                    visits[node] = 1
                    settled.add(node)
                case NodeReset(nodes=nodes):
                    assert settled.issuperset(nodes)
                    settled.difference_update(nodes)
                    reset.update(nodes)
                case _:
                    pass


def node_enters_when_its_tags_stand(run: Run, log: Sequence[Event]) -> None:
    """Of a run with resets: a node enters while its clauses stand, and hears each tag once."""
    assert run.flow is not None
    if not _has_resets(log):
        return  # the two below hold then, and cost less
    before = evolve(None, log[0], ref=run.ref)
    for event in log[1:]:
        if isinstance(event, NodeEntered):
            node, state = run.flow.by_id[event.node], before.nodes.get(event.node)
            woke = state.woke if state else 0
            assert not node.heard or any(before.standing.get(t, 0) > woke for t in node.heard)
            assert all(any(t in before.standing for t in clause) for clause in node.needs)
        before = evolve(before, event)


def merge_enters_iff_its_tags_stood(run: Run, log: Sequence[Event]) -> None:
    """7: while a run is active, a merge has entered exactly if its clauses stand."""
    assert run.flow is not None
    if _has_resets(log):
        return  # its tags may be gone since it entered, or stand since before it was reset
    for node in run.flow.nodes:
        if not isinstance(node.work, Join) or run.phase != "active":
            continue
        stands = all(any(t in run.standing for t in clause) for clause in node.needs)
        state = run.nodes.get(node.id)
        if state is None:
            assert not stands or is_behind_loop(run, run.flow, node)
        else:
            assert stands or state.is_skipped


def listener_has_heard(run: Run, log: Sequence[Event]) -> None:
    """A node that entered has heard its tag, and its sources are settled."""
    assert run.flow is not None
    if _has_resets(log):
        return  # the node that issued the tag may have been reset since
    of_loops = {node for loop in run.flow.loops for node in loop.nodes}
    for node, state in run.nodes.items():
        if state.taken_from and node in of_loops:
            continue  # perhaps of a round before the last
        heard = frozenset() if state.is_skipped else run.flow.by_id[node].heard
        assert not heard or not heard.isdisjoint(run.standing)
        assert all(run.nodes[s].phase == "settled" for s in state.sources)


def loops_are_bounded(run: Run, log: Sequence[Event]) -> None:
    """The head of a loop does its work at most `loop.max` times; once more is an error at once."""
    assert run.flow is not None
    for events in _by_epoch(log):
        for event, after in pairwise(events):
            if isinstance(event, NodeEntered) and (rounds := run.flow.by_id[event.node].loop):
                assert event.visit <= rounds + 1
                assert event.visit <= rounds or (
                    isinstance(after, NodeSettled)
                    and (after.node, after.outcome.result) == (event.node, "error")
                )


def round_waits_for_its_loop(run: Run, log: Sequence[Event]) -> None:
    """A round begins when a tag has led back and no node of the loop is open; not before."""
    assert run.flow is not None
    if not run.flow.loops or not _has_resets(log):
        return
    before = evolve(None, log[0], ref=run.ref)
    for event in log[1:]:
        if isinstance(event, NodeReset):
            assert event.by in before.standing
            for loop in run.flow.loops:
                is_round = any(event.by in tags for tags in loop.back.values())
                assert not is_round or len(event.nodes) == 1 or before.open.isdisjoint(loop.nodes)
        before = evolve(before, event)


def skipped_node_never_has_a_process(run: Run, log: Sequence[Event]) -> None:
    """A visit that was skipped is never started, and owes nothing."""
    for events in _by_epoch(log):
        started = {(e.node, e.visit) for e in events if isinstance(e, NodeStarted)}
        skipped = {(e.node, e.visit) for e in events if isinstance(e, NodeSkipped)}
        assert started.isdisjoint(skipped)
    skipped_now = {node for node, state in run.nodes.items() if state.is_skipped}
    assert skipped_now.isdisjoint(run.open)


def open_parts(run: Run) -> list[NodeState]:
    """The open nodes of a run, and their items."""
    return [part for node in run.open for part in run.nodes[node].parts()]


def form_counts_once(run: Run, log: Sequence[Event]) -> None:
    """8: an answer is recorded for a form that was open, and once."""
    for events in _by_epoch(log):
        asked = Counter((e.node, e.visit) for e in events if isinstance(e, DataAsked))
        given = Counter((e.node, e.visit) for e in events if isinstance(e, NodeSettled) and e.by)
        assert all(count == 1 and asked[visit] for visit, count in given.items())


def nothing_outlives_the_end(run: Run, log: Sequence[Event]) -> None:
    """14: a run has ended only when none of its attempts may have a process."""
    if run.phase in ("ended", "packed"):
        assert not run.open
        assert not any(has_process(s) for s in run.nodes.values())


def nothing_begins_after_ending(run: Run, log: Sequence[Event]) -> None:
    """Once it is decided how a run ends, no node enters and none is tried again."""
    ending = next((i for i, e in enumerate(log) if isinstance(e, RunEnding)), len(log))
    beginnings = NodeEntered | RetryDue | DataAsked | RunActivated | RunResumed
    assert not any(isinstance(e, beginnings) for e in log[ending:])


def ends_as_decided(run: Run, log: Sequence[Event]) -> None:
    """A run ends once, and as its RunEnding said."""
    endings = [e for e in log if isinstance(e, RunEnding)]
    ended = [e for e in log if isinstance(e, RunEnded)]
    assert len(endings) <= 1
    assert len(ended) <= 1
    if ended and not any(isinstance(e, GrantSuperseded) for e in log):
        assert (ended[0].good, ended[0].why) == (endings[0].good, endings[0].why)
        assert ended[0].why


def rests_only_at_its_end(run: Run, log: Sequence[Event]) -> None:
    """No active run waits for nothing: besides its time limit it owes something."""
    limit = owed_by(run, WHOLE)
    if run.phase in ("active", "ending"):
        assert owed(run) - limit or children_of(run)
        assert run.open


def owes_what_its_phase_allows(run: Run, log: Sequence[Event]) -> None:
    """Nothing is started that is to be stopped, and nothing but the archive is owed after."""
    kinds = {type(e) for e in owed(run)}
    if run.phase == "ending":
        assert kinds <= {StopAction, StopChild}
        assert kinds
    if run.phase == "active":
        assert StopAction not in kinds
        assert StopChild not in kinds or any(is_timed_out(s) for s in open_parts(run))
    if run.phase == "ended":
        assert kinds == {PackArchive}
    started = {e.key for e in owed(run) if isinstance(e, StartAction)}
    assert all(is_awaited(run, key) for key in started)
    timers = [e for e in owed(run) if isinstance(e, SetTimer)]
    assert len({(e.key, e.kind) for e in timers}) == len(timers)


def says_what_it_waits_for(run: Run, log: Sequence[Event]) -> None:
    """Every run says why, and every node that is not done what it waits for."""
    answer = why(run)
    assert answer.text
    assert run.flow is not None
    if run.phase == "active":
        undone = {n.ref for n in run.flow.nodes if n.id in run.open or may_enter(run, n)}
        heads = {n.ref for n in run.flow.nodes if n.loop}  # also while a round of theirs is due
        assert undone <= set(answer.waiting) <= undone | heads
        assert all(answer.waiting.values())


def forms_wait_for_people_alone(run: Run, log: Sequence[Event]) -> None:
    """No process is ever recorded for a form."""
    assert run.flow is not None
    nodes = run.flow.by_id
    assert not any(isinstance(e, NodeStarted) and isinstance(nodes[e.node].work, Ask) for e in log)


def re_run_takes_what_it_was_pended_with(run: Run, log: Sequence[Event]) -> None:
    """Every activation of a re-run takes over the same nodes, and these do not run again.

    The adopter has no more than the activation of an epoch that another host began.
    """
    if not run.taken:
        return
    for events in _by_epoch(log):
        taken = [replace(e, at=NO_TIME) for e in events if isinstance(e, NodeTaken)]
        if isinstance(events[0], RunActivated) and len(events) > 1:
            assert taken == [replace(e, at=NO_TIME) for e in run.taken]
        if not any(isinstance(e, NodeReset) for e in events):
            entered = {e.node for e in events if isinstance(e, NodeEntered)}
            assert entered.isdisjoint(e.node for e in taken)


OF_A_RUN: Final[tuple[Invariant, ...]] = (
    run_is_its_log,
    owed_by_parts_is_owed,
    attempt_starts_once,
    retries_are_bounded,
    items_are_done_once,
    activations_have_growing_epochs,
    visit_settles_once,
    node_enters_again_only_after_a_reset,
    node_enters_when_its_tags_stand,
    merge_enters_iff_its_tags_stood,
    listener_has_heard,
    loops_are_bounded,
    round_waits_for_its_loop,
    skipped_node_never_has_a_process,
    form_counts_once,
    nothing_outlives_the_end,
    nothing_begins_after_ending,
    ends_as_decided,
    rests_only_at_its_end,
    owes_what_its_phase_allows,
    says_what_it_waits_for,
    forms_wait_for_people_alone,
    re_run_takes_what_it_was_pended_with,
    *OF_A_LOG,
)

NO_TIME: Final = Instant(0)


def check_run(run: Run, log: Sequence[Event]) -> None:
    """All invariants of one run, when what it decided last is stored."""
    for invariant in OF_A_RUN:
        invariant(run, log)
    check_state(run)
    assert run.flow is not None
    steps = steps_of(run, log)
    for of_steps in OF_STEPS:
        of_steps(run.flow, steps)


def check_states(place: Place, runs: Iterable[Run]) -> None:
    """All that holds of the runs here that an append changed, each in its last state."""
    for run in runs:
        try:
            if (run.host, run.store) == place:
                check_state(run)
        except AssertionError as error:
            name = traceback.extract_tb(error.__traceback__)[-1].name
            raise Broken(f"{name}: {run.ref}") from error


def _attempt(event: NodeStarted | RetryDue) -> tuple[NodeId, int, int, int]:
    return event.node, event.visit, event.item, event.attempt


def _has_resets(log: Sequence[Event]) -> bool:
    return any(isinstance(event, NodeReset) for event in log)


def _by_epoch(log: Sequence[Event]) -> list[list[Event]]:
    """The log cut where a host lost the run: what follows is begun anew."""
    parts: list[list[Event]] = [[]]
    for event in log:
        is_loss = isinstance(event, GrantRevoked) and not event.keeps
        if is_loss or isinstance(event, RunActivated):
            parts.append([])
        parts[-1].append(event)
    return parts


# --- of a cluster ---


def check_activation(
    truth: Truth, branch: Branch, host: SiteSettings, *, drained: bool = False
) -> None:
    """All that an activation must fulfil at the moment it is stored."""
    if drained:
        raise Broken(f"draining_host_takes_nothing: {branch}")
    one_pen_per_run_and_epoch(truth, branch)
    run_is_in_one_place(truth, branch)
    cancelled_run_is_not_begun(truth, branch)
    host_has_what_the_flow_asks(truth, branch, host)
    resource_is_held_once(truth, branch)
    fences_grow(truth, branch)


def check_request(truth: Truth, run: Run) -> None:
    """All that a run must fulfil at the moment at which its request is stored."""
    request_starts_one_run(truth, run)
    trigger_with_a_false_if_starts_no_run(run)
    if run.rerun_of is not None:
        taken_nodes_are_the_old_ones(truth, run)
        taken_items_are_the_old_good_ones(truth, run)
        truth.reruns[run.ref] = frozenset((run.rerun_of.run, *(t.from_run for t in run.taken)))


def request_starts_one_run(truth: Truth, run: Run) -> None:
    """1: a request, however often it is repeated, starts one run, also after the removal of that
    run. Its key is in `by`."""
    key = (run.ref.host, run.ref.store, run.by)
    other = truth.asked.get(key)
    truth.asked[key] = run.ref
    if other is not None:
        raise Broken(f"request_starts_one_run: {run.by} started {other} and {run.ref}")


def trigger_with_a_false_if_starts_no_run(run: Run) -> None:
    """A start whose values do not meet the `if` of its trigger begins no run."""
    if run.flow is not None and not _starts(run.flow, run.values):
        raise Broken(f"trigger_with_a_false_if_starts_no_run: {run.ref}")


def start_is_passed_over_by_its_if(disk: Disk, start: Start) -> None:
    """A start is answered without a run only by its `if`, and once that is stored."""
    rows = disk.ledger(PASSED_OVER).values()
    is_stored = any(isinstance(r, Mapping) and r.get("once") == start.once for r in rows)
    if _starts(start.flow, start.values) or not is_stored:
        raise Broken(f"start_is_passed_over_by_its_if: {start.flow.id} {start.once}")


def _starts(flow: Flow, values: Mapping[str, Json]) -> bool:
    """Whether the `if` of the only trigger of a flow is true with these values."""
    condition = flow.triggers[0].condition
    return not condition or not unmet(condition, lambda path: value_at(values, path[1:]))


def taken_items_are_the_old_good_ones(truth: Truth, run: Run) -> None:
    """The items that a re-run takes over of a node that runs again were good, and as they are."""
    for node in run.items_taken:
        for taken in node.taken:
            olds = [_item_of(old, node.node, taken) for old in truth.ended.get(taken.from_run, ())]
            if taken.outcome.result != "good" or not any(old and old.good for old in olds):
                raise Broken(f"taken_items_are_the_old_good_ones: {run.ref.key} takes {taken}")


def _item_of(old: Run, node: NodeId, taken: ItemTaken) -> NodeState | None:
    items = old.nodes[node].items if node in old.nodes else None
    state = items.states.get(taken.item) if items else None
    is_same = state and (state.outputs, state.settled_at) == (taken.outputs, taken.ended_at)
    return state if is_same else None


def taken_nodes_are_the_old_ones(truth: Truth, run: Run) -> None:
    """What a re-run takes over is what the nodes were in the run that it comes from."""
    for taken in run.taken:
        olds = [old.nodes.get(taken.node) for old in truth.ended.get(taken.from_run, ())]
        if not any(old is not None and _is_taken_from(taken, old) for old in olds):
            raise Broken(f"taken_nodes_are_the_old_ones: {run.ref.key} takes {taken}")


def _is_taken_from(taken: NodeTaken, old: NodeState) -> bool:
    was = (old.outcome, old.tag, old.good, old.outputs, old.attempt, old.by, old.settled_at)
    now = (taken.outcome, taken.tag, taken.good, taken.outputs, taken.attempt, taken.by)
    return was == (*now, taken.ended_at) and not old.taken_from


def re_run_gets_the_workspace(truth: Truth, run: Run, made_by: RunRef) -> None:
    """A re-run that takes the workspace of its earlier run over finds in it what that left."""
    branch = truth.branches.get((run.ref, run.epoch))
    if branch is None or branch.space is None:
        return
    if branch.space != made_by:
        raise Broken(f"re_run_gets_the_workspace: {branch}: {made_by}'s, not {branch.space}'s")
    branch.space = None  # it may change from now on


def removal_is_of_the_host_with_the_log(
    truth: Truth, key: str, place: Place, chosen: set[str]
) -> None:
    """No host removes a run at the host that has its log: that one chooses by its own limits. What
    a forgotten host has is no copy that counts."""
    if key not in chosen and not truth.is_gone(place):
        raise Broken(f"removal_is_of_the_host_with_the_log: {key} at {place}")


def what_a_re_run_shows_is_kept(truth: Truth, key: str, place: Place) -> None:
    """A run is not removed while a re-run that is not removed shows outcomes of it.

    A run whose log is in a backup that was put back has two logs. A re-run that a different store
    adopted may show the outcomes of the other one, so it does not keep this one. What a forgotten
    host has is no copy that counts.
    """
    for rerun, shown in truth.reruns.items() if not truth.is_gone(place) else ():
        adopter = Place(*rerun.adopter)
        is_there = rerun.key not in truth.removed and not truth.is_gone(adopter)
        if key in shown and is_there and (adopter == place or key not in truth.doubled):
            raise Broken(f"what_a_re_run_shows_is_kept: {key}, shown by {rerun.key}")


def one_pen_per_run_and_epoch(truth: Truth, branch: Branch) -> None:
    """2: under one epoch, a run is activated on one host, once."""
    if other := truth.branches.get((branch.run, branch.epoch)):
        raise Broken(f"one_pen_per_run_and_epoch: {branch} and {other}")


def run_is_in_one_place(truth: Truth, branch: Branch) -> None:
    """2: a run begins elsewhere only after the store that had it is gone.

    One that was forgotten in error may begin what was on its way to it, under an older epoch.
    """
    for other in truth.branches.values():
        if other.run != branch.run or other.until is not None or truth.is_gone(other.place):
            continue
        if branch.epoch > other.epoch or not truth.is_gone(branch.place):
            raise Broken(f"run_is_in_one_place: {branch} and {other}")


def cancelled_run_is_not_begun(truth: Truth, branch: Branch) -> None:
    """A cancel that its adopter took is never followed by a beginning there."""
    if branch.run in truth.cancelled and branch.place[:2] == branch.run.adopter:
        raise Broken(f"cancelled_run_is_not_begun: {branch}")


def host_has_what_the_flow_asks(truth: Truth, branch: Branch, host: SiteSettings) -> None:
    """A run is activated where its host-tags are, and only while a slot is free.

    Checked at the activation, and again when its first command takes the slot. A run that only
    waits for forms and timers takes none: runs that are activated with it, in one step, may take
    the slot that it found free. So may a run whose form is answered in that step. A host that was
    forgotten in error learns from the lists that its runs are over: its next start drops them.
    """
    if missing := set(branch.flow.host_tags) - host.tags:
        raise Broken(f"host_has_what_the_flow_asks: {branch}: tags {sorted(missing)}")
    others = [
        b
        for b in truth.branches.values()
        if b.until is None and b.place == branch.place and b is not branch and b.busy_since
    ]
    taken = [b for b in others if b.busy_since and b.busy_since < branch.since]
    if branch.busy_since:
        taken += [b for b in others if b.since == branch.since]
    if len(taken) >= host.slots and not truth.is_gone(branch.place):
        raise Broken(f"host_has_what_the_flow_asks: {branch}: {len(taken)} slots are taken")


def resource_is_held_once(truth: Truth, branch: Branch) -> None:
    """3: a resource is never held by two runs, and a group has no more runs than places; a
    forgotten holder has the lower fence, also where it was forgotten in error and begins what was
    on its way to it."""
    for lease in branch.leases:
        others = []
        for other in truth.holders.get(lease, ()):
            is_void = truth.is_gone(other.place) or (lease, other.run) in truth.freed
            is_fenced = is_void and _is_fenced(truth, lease, other, branch)
            is_late = truth.is_gone(branch.place) and _is_fenced(truth, lease, branch, other)
            if not (is_fenced or is_late):
                others.append(other)
        if len(others) >= branch.places(lease):
            raise Broken(f"resource_is_held_once: {lease} by {branch} and {others[0]}")


def _is_fenced(truth: Truth, lease: str, old: Branch, new: Branch) -> bool:
    """Whether whoever knows the fence of `new` takes nothing from `old`."""
    before, after = old.fences.get(lease), new.fences.get(lease)
    if before and after and read_fence(before) < read_fence(after):
        return True
    return truth.amnesia and truth.is_gone(old.place)


def fences_grow(truth: Truth, branch: Branch) -> None:
    """3: whoever begins later with a cluster tag has the higher fence, but for a forgotten host."""
    if truth.is_gone(branch.place):
        return
    for tag in branch.tags:
        if tag.startswith(HOST_SCOPED):
            continue
        fence = branch.fences.get(tag)
        last = (0, 0) if truth.amnesia else truth.fences.get(tag, (0, 0))
        if fence is None or read_fence(fence) <= last:
            raise Broken(f"fences_grow: {branch}: {tag}={fence} after {truth.fences.get(tag)}")


def check_start(truth: Truth, disk: Disk, place: Place, key: Key) -> None:
    """All that the start of a process must fulfil."""
    attempt_starts_once_anywhere(truth, place, key)
    moving.command_that_must_not_starts_once(truth, key)
    branch_that_starts_has_the_pen(truth, place, key)
    what_is_begun_is_stored(disk, place, key)


def attempt_starts_once_anywhere(truth: Truth, place: Place, key: Key) -> None:
    """4: an attempt is started at most once per epoch, on one host."""
    if other := truth.starts.get(key):
        raise Broken(f"attempt_starts_once_anywhere: {key} on {other} and on {place}")


def branch_that_starts_has_the_pen(truth: Truth, place: Place, key: Key) -> None:
    """2: processes are started only by who holds the pen of that epoch, and before its end."""
    branch = truth.branches.get((key.run, key.epoch))
    if branch is None or branch.place != place or branch.until is not None:
        raise Broken(f"branch_that_starts_has_the_pen: {key} on {place}; the pen is of {branch}")


def what_is_begun_is_stored(disk: Disk, place: Place, key: Key) -> None:
    """An effect begins only after the event that calls for it is on the disk."""
    log = [r for r in disk.logs.get(key.run, ()) if r.epoch == key.epoch]
    if not any(isinstance(r.event, NodeEntered) and r.event.node == key.node for r in log):
        raise Broken(f"what_is_begun_is_stored: {key} on {place}")


def grant_is_taken_back_with_reason(truth: Truth, step: Recorded, place: Place) -> None:
    """A grant is revoked after its host was forgotten, and superseded by such a host alone."""
    run, event = step.before, step.record.event
    if isinstance(event, GrantRevoked) and run is not None and run.host and run.store:
        place = Place(run.host, run.store)
    if place not in truth.forgotten:
        raise Broken(f"grant_is_taken_back_with_reason: {step.record.run}: {event}")


def cancelled_run_ends_bad(truth: Truth, place: Place, run: Run) -> None:
    """Once the pen holder has heard of a cancel, it decides no good end any more."""
    if run.good and (run.ref, place) in truth.told:
        raise Broken(f"cancelled_run_ends_bad: {run.ref} on {place}")


def one_host_fires_timers(world: "World") -> None:
    """6: of the hosts that were not forgotten, one at most takes itself for the keeper at work."""
    hosts = [m for m in world.machines.values() if m.core and m.settings.keeper == m.id]
    if len(hosts) > 1:
        hosts = [m for m in hosts if m.place not in world.truth.forgotten]
        firing = [m.place for m in hosts if m.core and m.core.may_fire(m.now())]
        if len(firing) > 1:
            raise Broken(f"one_host_fires_timers: {', '.join(map(str, firing))}")


def nothing_is_left_of_an_ended_run(truth: Truth, place: Place, run: Run) -> None:
    """14: a run is recorded as ended, and frees what it holds, after its last process."""
    branch = truth.branches.get((run.ref, run.epoch))
    living = truth.living.get((run.ref, run.epoch))
    if branch is not None and branch.place == place and living:
        raise Broken(f"nothing_is_left_of_an_ended_run: {branch} has {sorted(map(str, living))}")


def what_is_said_is_stored(truth: Truth, disk: Disk, envelope: Envelope) -> None:
    """What others rest on is on the sender's disk; no run is offered after its cancel."""
    moving.what_moves_is_stored(disk, envelope)
    match envelope.message:
        case Offer(run=key, epoch=epoch, facts=facts):
            ref = RunRef.parse(key)
            log = disk.logs.get(ref, [])
            stored = [(r.epoch, r.seq, r.body) for r in log]
            is_true = _has(log, RunGranted, epoch) and stored[: len(facts)] == [
                (f.epoch, f.seq, f.body) for f in facts
            ]
            if ref in truth.cancelled:
                raise Broken(f"cancelled_run_is_not_offered: {key} epoch {epoch}")
        case Accepted(run=key, epoch=epoch):
            is_true = _has(disk.logs.get(RunRef.parse(key), []), (RunActivated, RunResumed), epoch)
        case Ended(run=key, epoch=epoch):
            log = disk.logs.get(RunRef.parse(key), [])
            # A host that was forgotten in error repeats it although its adopter removed the run.
            is_true = _has(log, RunEnded, epoch) or key in disk.pruned
        case Refused(run=key, epoch=epoch):
            floor = disk.row("floor", key)
            is_known = RunRef.parse(key) in disk.logs or key in disk.pruned
            is_true = is_known or (isinstance(floor, int) and floor >= epoch)
        case _:
            return
    if not is_true:
        raise Broken(f"what_is_said_is_stored: {envelope.from_host}: {envelope.message}")


def copies_are_prefixes(disks: Iterable[Disk]) -> None:
    """13: of two copies of a log, one is a prefix of the other within each epoch.

    Up to GrantSuperseded: what follows is what became of the processes of that one place.
    """
    copies: dict[RunRef, list[Mapping[int, Sequence[Record]]]] = {}
    for disk in disks:
        for ref, log in disk.logs.items():
            copies.setdefault(ref, []).append(_epochs(log))
    for ref, logs in copies.items():
        for one, other in combinations(logs, 2):
            for epoch in one.keys() & other.keys():
                for mine, theirs in zip(one[epoch], other[epoch], strict=False):
                    if (mine.seq, mine.body) != (theirs.seq, theirs.body):
                        raise Broken(f"copies_are_prefixes: {ref.key} at {epoch}.{mine.seq}")
                    if isinstance(mine.event, GrantSuperseded):
                        break


def unfinished(world: "World") -> list[RunRef]:
    """Accepted runs that are not over, though nothing that is named holds them up for ever.

    5. A run whose adopter's disk is gone is over where it was begun, or is lost with that disk:
    the failure model of a store without copies.
    """
    return [ref for ref in world.truth.accepted if _is_unfinished(world, ref)]


def every_run_ended(world: "World") -> None:
    """5: long after the last fault, each run that nothing holds up has ended."""
    if left := unfinished(world):
        says = [f"{ref.key} ({_said(world, ref)})" for ref in left]
        raise Broken(f"every_run_ended: not {', '.join(says)}")


def every_run_says_why(world: "World") -> None:
    """5: 10 s after the last fault, each run has ended, goes on, or names what it waits for."""
    for ref in unfinished(world):
        if not _said(world, ref):
            raise Broken(f"every_run_says_why: {ref.key}")


def is_over(world: "World") -> bool:
    """Whether nothing more is to come."""
    if unfinished(world) or _left_to_say(world) or _leased(world):
        return False
    return not (_unmet(world) or _left_to_sweep(world))


def check_end(world: "World") -> None:
    """All that holds long after the last fault."""
    every_run_ended(world)
    copies_are_prefixes(world.disks())
    nothing_is_left_to_say(world)
    nothing_is_leased(world)
    adopters_know_the_ends(world)
    superseded_end_is_no_end(world)
    nothing_is_left_of_removed_runs(world)
    removed_runs_are_listed_nowhere(world)
    for machine in world.machines.values():
        for ref in machine.disk.logs:
            run = machine.disk.run(ref)
            if run.flow is not None and run.phase in ("ended", "packed"):
                log = machine.disk.events(ref)
                steps = steps_of(run, log)
                checks = [
                    *(partial(one, run, log) for one in OF_A_RUN[1:]),  # the first folds it again
                    *(partial(one, run.flow, steps) for one in OF_STEPS),
                ]
                for check in checks:
                    try:
                        check()
                    except AssertionError as error:
                        why = f"{check.func.__name__}: {ref.key} on {machine.place}: {error}"
                        raise Broken(why) from error


def nothing_is_left_to_say(world: "World") -> None:
    """10: when all is over, nothing waits for an acknowledgement."""
    if left := _left_to_say(world):
        raise Broken(f"nothing_is_left_to_say: {left}")


def nothing_is_leased(world: "World") -> None:
    """3: when all is over, the keeper's table is empty: no lease has lost its run."""
    if left := _leased(world):
        raise Broken(f"nothing_is_leased: {left}")


def nothing_is_left_of_removed_runs(world: "World") -> None:
    """When all is over, no files of removed runs are left, and no note of them."""
    if left := _left_to_sweep(world):
        raise Broken(f"nothing_is_left_of_removed_runs: {left}")
    for machine in world.machines.values():
        for folder in machine.spaces.made_by:
            key = folder.rpartition("/")[2]
            if world.truth.removed.get(key) == machine.place:
                raise Broken(f"nothing_is_left_of_removed_runs: {machine.place}: {folder}")


def removed_runs_are_listed_nowhere(world: "World") -> None:
    """10: once all hosts have met, a removed run is in no list. A store that was lost meanwhile
    told nobody; and a backup that is put back brings what it has."""
    if left := _unmet(world):
        raise Broken(f"every_host_meets_the_others: {left}")
    truth = world.truth
    for machine in world.machines.values():
        for ref in machine.disk.rows:
            place = truth.removed.get(ref.key)
            if place and not truth.is_gone(place) and ref.key not in truth.restored:
                raise Broken(f"removed_runs_are_listed_nowhere: {ref.key} by {machine.place}")


def _unmet(world: "World") -> list[str]:
    """Lists that lack something of another host."""
    hosts = [m for m in world.machines.values() if m.lists]
    left = [m for m in world.machines.values() if not m.lists]
    unmet = [f"{m.place} is away" for m in left]
    for one in hosts:
        known = one.disk.texts.get(LISTED, {})
        for other in hosts:
            assert other.lists is not None
            head = other.lists.directory.head
            if one is not other and head and known.get(str(other.place)) != str(head):
                unmet.append(f"{one.place} knows {other.place} to {known.get(str(other.place))}")
    return unmet


def _left_to_sweep(world: "World") -> list[str]:
    hosts = world.machines.values()
    return [f"{m.place}: {key}" for m in hosts for key in m.disk.texts.get(SWEEP, ())]


def _left_to_say(world: "World") -> list[str]:
    hosts = world.machines.values()
    return [f"{m.place}: {key}" for m in hosts for key in m.disk.texts.get("owed", ())]


def _leased(world: "World") -> list[str]:
    keepers = [m for m in world.machines.values() if m.settings.keeper == m.id]
    return [f"{m.place}: {key}" for m in keepers for key in m.disk.texts.get("kept", ())]


def adopters_know_the_ends(world: "World") -> None:
    """A run's adopter lists it as it ended where it ran."""
    for branch in world.truth.branches.values():
        ref, at = branch.run, world.machines[branch.place.host]
        adopter = world.machines[ref.host].disk
        if adopter.store != ref.store or at.place != branch.place:
            continue
        known, row = adopter.rows.get(ref), at.disk.rows.get(ref)
        if known is None or row is None:
            continue  # it was removed
        if branch.epoch == known.epoch and (row.good, row.why) != (known.good, known.why):
            raise Broken(f"adopters_know_the_ends: {ref.key}: {row.why!r} but {known.why!r}")


def superseded_end_is_no_end(world: "World") -> None:
    """A run's adopter does not take for its end what became of it on a forgotten host: it goes on
    or ends as its flow says."""
    for machine in world.machines.values():
        for ref, row in machine.disk.rows.items():
            is_over = ref.store == machine.disk.store and row.state == "archive"
            if is_over and (ref, row.epoch) in world.truth.superseded:
                raise Broken(f"superseded_end_is_no_end: {ref.key} epoch {row.epoch}: {row.why}")


def _is_unfinished(world: "World", ref: RunRef) -> bool:
    disk = world.machines[ref.host].disk
    if disk.store == ref.store:
        row = disk.rows.get(ref)
        if row is None and ref.key in disk.pruned:
            return False
        if row is None:
            raise Broken(f"accepted_trigger_is_not_lost: {ref.key}")
        return row.state != "archive" and not _is_held_up(world, row)
    begun = (b for b in world.truth.branches.values() if b.run == ref and b.until is None)
    return any(not world.truth.is_gone(b.place) for b in begun)


def _is_held_up(world: "World", row: Summary) -> bool:
    """Whether a run waits for what nobody in the trial will ever give."""
    flow = FLOWS[DIGESTS[row.flow]]
    is_leased = flow.max_runs or any(not t.startswith(HOST_SCOPED) for t in flow.resource_tags)
    keeper = world.machines[row.adopted_by].settings.keeper
    return row.phase == "pending" and (
        row.flow == NOBODY
        or (bool(is_leased) and keeper is None)
        or all(_never_takes(machine, row, flow) for machine in world.machines.values())
    )


def _never_takes(machine: "Machine", row: Summary, flow: Flow) -> bool:
    """Whether a host lacks a tag, or has a log of a run from a backup: no later one fits it."""
    ref, disk = RunRef.parse(row.key), machine.disk
    if not machine.settings.tags.issuperset(flow.host_tags):
        return True
    is_old = ref in disk.logs and disk.run(ref).store not in (None, disk.store)
    return ref.store != disk.store and (is_old or ref.key in disk.pruned)


def _said(world: "World", ref: RunRef) -> str:
    """What people are told of a run where it was adopted, or where it is."""
    machine = world.machines[ref.host]
    if machine.disk.store != ref.store or machine.core is None:
        return "its adopter is gone"
    run = machine.core.table.runs.get(ref)
    if run is None:
        return ""
    pend = machine.core.table.pends.get(ref)
    placed = machine.core.place(pend, machine.now()) if pend else None
    return why(run, placed if isinstance(placed, Refusals) else None).text


def _has(log: Sequence[Record], kind: type[Event] | tuple[type[Event], ...], epoch: int) -> bool:
    return any(r.epoch == epoch and isinstance(r.event, kind) for r in reversed(log))


def _epochs(log: Sequence[Record]) -> Mapping[int, Sequence[Record]]:
    parts: dict[int, list[Record]] = {}
    for record in log:
        parts.setdefault(record.epoch, []).append(record)
    return parts
