"""What holds of every run whatever reached it, named once.

Each takes a run, its whole log and says by an AssertionError that it does not hold. Those of the
cluster join them here.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from floe.kernel.evolve import fold, is_action
from floe.kernel.owed import WHOLE, owed, owed_by
from floe.kernel.why import why
from floe.model.effect import PackArchive, SetTimer, StartAction, StopAction
from floe.model.event import (
    DataAsked,
    Event,
    GrantRevoked,
    GrantSuperseded,
    NodeEntered,
    NodeSettled,
    NodeStarted,
    RetryArmed,
    RetryDue,
    RunActivated,
    RunEnded,
    RunEnding,
)
from floe.model.flow import Ask, Join
from floe.model.refs import NodeId
from floe.model.run import Run

Invariant = Callable[[Run, Sequence[Event]], None]


def run_is_its_log(run: Run, log: Sequence[Event]) -> None:
    """Folding the log gives the run, and each event is one more."""
    assert fold(run.ref, log) == run
    assert run.seq == len(log)


def owed_by_parts_is_owed(run: Run, log: Sequence[Event]) -> None:
    """What is owed is owed by the run itself or by one of its open nodes."""
    assert owed(run) == owed_by(run, WHOLE).union(*(owed_by(run, n) for n in run.nodes))


def attempt_starts_once(run: Run, log: Sequence[Event]) -> None:
    """4: an attempt of a node starts at most once, and is followed by a later one."""
    for events in _by_epoch(log):
        starts = Counter((e.node, e.attempt) for e in events if isinstance(e, NodeStarted))
        dues = [(e.node, e.attempt) for e in events if isinstance(e, RetryDue)]
        assert not starts or max(starts.values()) == 1
        assert len(dues) == len(set(dues))
        assert all(attempt > 1 for _, attempt in dues)


def retries_are_bounded(run: Run, log: Sequence[Event]) -> None:
    """A node is tried again at most `retry.max` times, lost attempts aside."""
    assert run.flow is not None
    for events in _by_epoch(log):
        armed = Counter(e.node for e in events if isinstance(e, RetryArmed) and not e.lost)
        assert all(count <= run.flow.by_id[node].retry.max for node, count in armed.items())


def activations_have_growing_epochs(run: Run, log: Sequence[Event]) -> None:
    """2: a run is activated at most once under an epoch, and never under an older one."""
    epochs = [e.epoch for e in log if isinstance(e, RunActivated)]
    assert epochs == sorted(set(epochs))


def node_enters_and_settles_once(run: Run, log: Sequence[Event]) -> None:
    """A node enters at most once per epoch, and settles at most once after it."""
    for events in _by_epoch(log):
        entered = [e.node for e in events if isinstance(e, NodeEntered)]
        settled = [e.node for e in events if isinstance(e, NodeSettled)]
        assert len(entered) == len(set(entered))
        assert len(settled) == len(set(settled))
        assert set(settled) <= set(entered)


def merge_enters_iff_its_tags_stood(run: Run, log: Sequence[Event]) -> None:
    """7: while a run is active, a merge has entered exactly if its clauses stand."""
    assert run.flow is not None
    for node in run.flow.nodes:
        if not isinstance(node.work, Join) or run.phase != "active":
            continue
        stands = all(any(t in run.standing for t in clause) for clause in node.needs)
        assert (node.id in run.nodes) == stands


def listener_has_heard(run: Run, log: Sequence[Event]) -> None:
    """A node that entered has heard its tag, and its sources are settled."""
    assert run.flow is not None
    for node, state in run.nodes.items():
        heard = run.flow.by_id[node].heard
        assert not heard or not heard.isdisjoint(run.standing)
        assert all(run.nodes[s].phase == "settled" for s in state.sources)


def form_counts_once(run: Run, log: Sequence[Event]) -> None:
    """8: an answer is recorded for a form that was open, and once."""
    for events in _by_epoch(log):
        asked: Counter[NodeId] = Counter(e.node for e in events if isinstance(e, DataAsked))
        given = Counter(e.node for e in events if isinstance(e, NodeSettled) and e.by)
        assert all(count == 1 and asked[node] for node, count in given.items())


def nothing_outlives_the_end(run: Run, log: Sequence[Event]) -> None:
    """14: a run has ended only when none of its attempts may have a process."""
    if run.phase in ("ended", "packed"):
        assert not run.open
        assert not any(is_action(s) for s in run.nodes.values())


def nothing_begins_after_ending(run: Run, log: Sequence[Event]) -> None:
    """Once it is decided how a run ends, no node enters and none is tried again."""
    ending = next((i for i, e in enumerate(log) if isinstance(e, RunEnding)), len(log))
    beginnings = NodeEntered | RetryDue | DataAsked | RunActivated
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
        assert owed(run) - limit
        assert run.open


def owes_what_its_phase_allows(run: Run, log: Sequence[Event]) -> None:
    """Nothing is started that is to be stopped, and nothing but the archive is owed after."""
    kinds = {type(e) for e in owed(run)}
    if run.phase == "ending":
        assert kinds == {StopAction}
    if run.phase == "active":
        assert StopAction not in kinds
    if run.phase == "ended":
        assert kinds == {PackArchive}
    started = {e.key.node for e in owed(run) if isinstance(e, StartAction)}
    assert all(is_action(run.nodes[node]) for node in started)
    timers = [e for e in owed(run) if isinstance(e, SetTimer)]
    assert len({(e.key, e.kind) for e in timers}) == len(timers)


def says_what_it_waits_for(run: Run, log: Sequence[Event]) -> None:
    """Every run says why, and every node that is not done what it waits for."""
    answer = why(run)
    assert answer.text
    assert run.flow is not None
    if run.phase == "active":
        undone = {n.ref for n in run.flow.nodes if n.id in run.open or n.id not in run.nodes}
        assert set(answer.waiting) == undone
        assert all(answer.waiting.values())


def forms_wait_for_people_alone(run: Run, log: Sequence[Event]) -> None:
    """No process is ever recorded for a form."""
    assert run.flow is not None
    nodes = run.flow.by_id
    assert not any(isinstance(e, NodeStarted) and isinstance(nodes[e.node].work, Ask) for e in log)


OF_A_RUN: Final[tuple[Invariant, ...]] = (
    run_is_its_log,
    owed_by_parts_is_owed,
    attempt_starts_once,
    retries_are_bounded,
    activations_have_growing_epochs,
    node_enters_and_settles_once,
    merge_enters_iff_its_tags_stood,
    listener_has_heard,
    form_counts_once,
    nothing_outlives_the_end,
    nothing_begins_after_ending,
    ends_as_decided,
    rests_only_at_its_end,
    owes_what_its_phase_allows,
    says_what_it_waits_for,
    forms_wait_for_people_alone,
)


def check_run(run: Run, log: Sequence[Event]) -> None:
    """All invariants of one run."""
    for invariant in OF_A_RUN:
        invariant(run, log)


def _by_epoch(log: Sequence[Event]) -> list[list[Event]]:
    """The log cut where a host lost the run: what follows is begun anew."""
    parts: list[list[Event]] = [[]]
    for event in log:
        if isinstance(event, GrantRevoked | RunActivated):
            parts.append([])
        parts[-1].append(event)
    return parts
