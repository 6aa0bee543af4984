"""Random flows under random histories: late, repeated and reordered signals break no invariant.

The flows mix all that a flow can have: conditions, items, repetitions, loops, child runs, forms,
timers, retries and merges. Their runs are cancelled, lost and started again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from floe.kernel.evolve import evolve, fold
from floe.kernel.graph import graph_of, labels_of
from floe.kernel.items import state_of
from floe.kernel.open_children import has_child
from floe.kernel.owed import key_of, owed, run_key
from floe.kernel.rerun import Rerun, RerunChoice, rerun_of
from floe.kernel.skipping import with_excuses
from floe.model.children import SubFlow
from floe.model.effect import (
    AskData,
    Effect,
    PendChild,
    SetTimer,
    StartAction,
    StopAction,
    StopChild,
)
from floe.model.event import Event, GrantSuperseded
from floe.model.flow import Flow, Foreach, Node, Repeat, Retry
from floe.model.ids import NO_ITEM, HostId, Instant, Key, NodeId, RunRef
from floe.model.run import Run
from floe.model.signal import (
    Activate,
    Cancel,
    ChildEnded,
    ChildMade,
    DataGiven,
    Exited,
    Failed,
    HostLost,
    Reported,
    Reset,
    Signal,
    Started,
    Stopped,
    TimerFired,
)
from floe.model.tags import SKIPPED, TRIGGER_GOOD, Tag, emitter_of
from floe.model.work import End
from tests.make import (
    H1,
    NOW,
    REF,
    STORE,
    WORKSPACE,
    a_flow,
    a_form,
    a_granted,
    a_merge,
    a_node,
    a_pended,
    a_timer,
    an_end,
    attached,
    decided,
)
from tests.sim.invariants import check_run

pytestmark = pytest.mark.slow

NODES_MAX: Final = 7
CHILD: Final = RunRef(H1, STORE, 2)
"""The child run of whichever attempt has one."""

STEPS_MAX: Final = 400
"""Answers until a run has ended that is answered at all; far above what seven nodes can take."""

IDS: Final = [f"n{i}" for i in range(NODES_MAX)]


@dataclass(frozen=True)
class Move:
    """A signal, still to be addressed to what the run is doing when it arrives."""

    kind: str
    node: str
    visit: int
    """Off the current visit by so many: a late one, or one from nowhere."""
    attempt: int
    """The same of the attempt."""
    epoch: int
    status: int
    nodes: frozenset[str]
    """The nodes to reset, of those that have settled."""
    tag: int
    """The place, among the standing tags, of the one that wakes them."""
    item: int
    """Of a node with items the one that it is about; NO_ITEM for the node."""


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Flows of a few nodes that listen to one another, also in circles and in vain. Half of them
    have conditions.

    Half of them have a form that keeps them active. Half of these begin with a merge of any, to
    which they can be reset or which is the head of a loop.
    """
    count = draw(st.integers(1, NODES_MAX))
    blank = [_node(draw, IDS[i], str(TRIGGER_GOOD)) for i in range(count)]
    tags = [str(TRIGGER_GOOD)] * len(IDS)
    tags += [f"{n.ref}.{label}" for n in blank for label in labels_of(n)[:4]]
    conditions = CONDITIONS if draw(st.booleans()) else [""]
    tags += [f"{n.ref}.{SKIPPED}" for n in blank] if len(conditions) > 1 else []
    holds, loops = draw(st.booleans()), draw(st.booleans())
    loop = [a_form("hold")] if holds else []
    if holds and loops:
        back = draw(st.lists(st.sampled_from(tags), min_size=1, max_size=3))
        rounds = draw(st.integers(0, 3))
        loop += [a_merge("loop", [str(TRIGGER_GOOD), *back], "any", loop=rounds)]
        tags = ["merge.loop.good"] * len(IDS) + tags[len(IDS) :]
    nodes = [_rewired(draw, node, tags, conditions) for node in blank]
    return a_flow(
        *with_excuses([*loop, *nodes]),
        timeout_s=draw(st.sampled_from([None, 3600.0])),
        unheard_bad=draw(st.sampled_from(["hold", "hold", "end"])),
        on_host_lost=draw(st.sampled_from(["fail", "restart"])),
    )


def _node(draw: st.DrawFn, id: str, on: str) -> Node:
    kind = draw(st.sampled_from(KINDS))
    retry = Retry(max=draw(st.integers(0, 2)))
    timeout_s = draw(st.sampled_from([None, 5.0]))
    match kind:
        case "form":
            return a_form(id, on, retry=retry, timeout_s=timeout_s)
        case "timer":
            return a_timer(id, on=on, retry=retry, timeout_s=timeout_s)
        case "end":
            return an_end(id, on)
        case "all" | "any":
            return a_merge(id, [on], kind)
        case "repeat":
            until = draw(st.sampled_from(["status == 0", "outputs.x == 1", "false"]))
            return a_node(id, on=on, repeat=Repeat(until=until, every_s=1.0, max=3))
        case _:
            waits = draw(st.sampled_from([None, True, True, False])) if kind != "exec" else None
            return a_node(
                id,
                None if waits is None else SubFlow(flow="x", wait=waits),
                on=on,
                timeout_s=timeout_s,
                foreach=draw(LISTS) if kind == "items" else None,
                retry=retry,
                ignore_fail=draw(st.booleans()),
                on_lost=draw(st.sampled_from(["fail", "retry"])),
            )


def _rewired(draw: st.DrawFn, node: Node, tags: Sequence[str], conditions: Sequence[str]) -> Node:
    if node.cls == "merge":
        wait = draw(st.lists(st.sampled_from(tags), min_size=1, max_size=3))
        rounds = draw(st.sampled_from([0, 0, 2])) if node.type == "any" else 0
        return a_merge(node.id, wait, node.type, loop=rounds)
    heard = frozenset({Tag(draw(st.sampled_from(tags)))})
    rounds = draw(st.sampled_from([0, 0, 0, 2])) if not isinstance(node.work, End) else 0
    if rounds:
        heard |= {Tag(draw(st.sampled_from(tags)))}
    condition = draw(st.sampled_from(conditions))
    return replace(node, heard=heard, loop=rounds, condition=condition)


KINDS: Final = [
    *["exec", "items", "flow", "repeat"] * 2,
    *["form", "timer", "end", "all", "any"],
]

LISTS: Final = st.builds(
    Foreach,
    values=st.just(("a", "b", "c")),
    parallel=st.sampled_from([None, 1, 2]),
    on_item_bad=st.sampled_from(["stop", "finish"]),
) | st.sampled_from(
    [Foreach(expression="[]"), Foreach(expression="[1, 2]"), Foreach(expression="task.n0.state")]
)
"""The last one is an error, also where the node has settled."""

CONDITIONS: Final = [
    *[""] * 3,
    "false",
    "task.n0.state|default('') == 'good'",
    "task.n1.state == 'skipped'",
]
"""The last one fails where the node has not settled."""


MOVES: Final = st.builds(
    Move,
    kind=st.sampled_from(
        [
            *["answer"] * 14,
            "started",
            "exited",
            "lost",
            "stopped",
            "child",
            "retry",
            "wait",
            "form",
            "give",
            "reject",
            "reset",
            "reset",
            "run",
            "cancel",
            "activate",
            "host-lost",
        ]
    ),
    node=st.sampled_from(IDS),
    visit=st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
    attempt=st.sampled_from([0, 0, 0, 0, -1, 1]),
    epoch=st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
    status=st.sampled_from([0, 0, 0, 1]),
    nodes=st.frozensets(st.sampled_from(IDS), min_size=1),
    tag=st.integers(0, NODES_MAX),
    item=st.sampled_from([NO_ITEM, NO_ITEM, 0, 1, 2]),
)


HISTORIES: Final = st.lists(MOVES, max_size=12) | st.lists(MOVES, min_size=12, max_size=30)
"""Half of them long: by itself, a list of up to 30 has five on average."""

CHOICES: Final = st.one_of(
    st.just(RerunChoice()),
    st.builds(RerunChoice, kind=st.just("failed"), is_edited=st.booleans()),
    st.builds(RerunChoice, kind=st.just("from"), node=st.sampled_from(IDS)),
)

NEW: Final = Rerun(taken=(), again=(), new=())
"""What a run takes over that repeats none."""


def addressed(run: Run, move: Move) -> Signal:
    """The signal that a move is, given what the run is doing."""
    node = NodeId(move.node)
    state = state_of(run, node, move.item)
    visit = (state.visit if state else 1) + move.visit
    attempt = (state.attempt if state else 1) + move.attempt
    key = Key(run.ref, run.epoch + move.epoch, node, visit, attempt, move.item)
    match move.kind:
        case "answer" if signals := to_answer(run, move.status):
            return signals[move.tag % len(signals)]
        case "started":
            return Started(key=key, at=NOW)
        case "answer" | "exited":
            return Reported(key=key, report=Exited(status=move.status, outputs={}), at=NOW)
        case "lost":
            return Reported(key=key, report=Failed(cause="lost", why="lost"), at=NOW)
        case "child":
            return ChildMade(key=key, run=CHILD)
        case "stopped":
            return Reported(key=key, report=Stopped(), at=NOW)
        case "retry" | "wait" | "form" as kind:
            return TimerFired(key=key, kind=kind)
        case "give" | "reject":
            good = move.kind == "give"
            return DataGiven(node=node, values={}, good=good, by="alice", visit=visit)
        case "reset" if not run.flow or not any(n.loop for n in run.flow.nodes):
            return reset(run, move)
        case "reset":  # a loop is reset by what leads back alone
            return TimerFired(key=key, kind="retry")
        case "run":
            return TimerFired(key=replace(run_key(run), epoch=key.epoch), kind="run")
        case "cancel":
            return Cancel(by="alice")
        case "activate":
            return Activate(host=H1, epoch=run.epoch + 1 + move.epoch, workspace=WORKSPACE)
        case _:
            return HostLost(host=H1 if move.epoch == 0 else HostId("h9"))


def reset(run: Run, move: Move) -> Reset:
    """A reset of settled nodes, among them a merge that a tag wakes, if there is one.

    Refused if there is none and `move.node` has not settled.
    """
    assert run.flow is not None
    settled = [id for id, state in run.nodes.items() if state.phase == "settled"]
    nodes = [id for id in settled if id in move.nodes]
    wakes = [
        (id, tag)
        for id in settled
        for clause in run.flow.by_id[id].needs
        for tag in clause
        if tag in run.standing
    ]
    node, by = wakes[move.tag % len(wakes)] if wakes else (NodeId(move.node), TRIGGER_GOOD)
    return Reset(nodes=tuple(dict.fromkeys((node, *nodes))), by=by)


def to_answer(run: Run, status: int = 1) -> list[Signal]:
    """What an honest world reports to a run, the answer to the form that keeps it active last."""
    if run.phase not in ("active", "ending"):
        return []
    effects = sorted(owed(run), key=lambda effect: (_is_hold(effect), str(effect)))
    signals = [answer(effect, status) for effect in effects]
    return [*(child_ended(key, status) for key in waiting(run)), *signals]


def waiting(run: Run) -> list[Key]:
    """The attempts that wait for their child runs."""
    parts = [(node, part) for node in run.open for part in run.nodes[node].parts()]
    return [key_of(run, n, s) for n, s in parts if s.items is None and has_child(s)]


def child_ended(key: Key, status: int) -> Signal:
    """The child run of an attempt is over."""
    end = ChildEnded(result="bad" if status else "good", why="it was", outputs={})
    return Reported(key=key, report=end, at=NOW)


def _is_hold(effect: Effect) -> bool:
    return isinstance(effect, AskData) and effect.key.node == "hold"


def answer(effect: Effect, status: int) -> Signal:
    """What an honest world reports about an effect; commands exit with `status`."""
    match effect:
        case PendChild(key=key):
            return ChildMade(key=key, run=CHILD)
        case StopChild(key=key):
            return child_ended(key, 1)
        case StartAction(key=key):
            return Reported(key=key, report=Exited(status=status, outputs={}), at=NOW)
        case StopAction(key=key):
            return Reported(key=key, report=Stopped(), at=NOW)
        case SetTimer(key=key, kind=kind):
            return TimerFired(key=key, kind=kind)
        case AskData(key=key):
            return DataGiven(node=key.node, values={}, good=True, by="alice", visit=key.visit)
        case _:
            raise AssertionError(f"an active run does not owe {effect}")


def lived(flow: Flow, moves: Sequence[Move], again: Rerun = NEW) -> tuple[Run, list[Event]]:
    """A run, or a re-run, and its log after some moves, every invariant checked at each."""
    log: list[Event] = [a_pended(flow, taken=again.taken, items_taken=again.items), a_granted()]
    run = attached(fold(REF, log), flow)
    run, log = _told(run, log, Activate(host=H1, epoch=1, workspace=WORKSPACE))
    for move in moves:
        run, log = _told(run, log, addressed(run, move))
    return run, log


def ended(run: Run, log: list[Event], status: int = 1) -> Run:
    """The run once all that it owes is answered; it may also wait for a host."""
    for _ in range(STEPS_MAX):
        if run.phase not in ("active", "ending"):
            break
        run, log = _told(run, log, to_answer(run, status)[0])
    return run


def _told(run: Run, log: list[Event], signal: Signal) -> tuple[Run, list[Event]]:
    decision = decided(run, signal, NOW)
    log = [*log, *decision.events]
    if decision.events:
        check_run(decision.run, log)
    return decision.run, log


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flows(), HISTORIES)
def test_no_history_breaks_an_invariant(flow: Flow, moves: list[Move]) -> None:
    run, log = lived(flow, moves)

    check_run(run, log)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flows(), HISTORIES)
def test_run_ends_once_everything_owed_is_answered(flow: Flow, moves: list[Move]) -> None:
    run, log = lived(flow, moves)

    assert ended(run, log).phase in ("ended", "pending")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flows(), HISTORIES, st.sampled_from([0, 1]), CHOICES, HISTORIES)
def test_re_run_breaks_no_invariant(
    flow: Flow, moves: list[Move], status: int, choice: RerunChoice, later: list[Move]
) -> None:
    assume(choice.node is None or choice.node in flow.by_id)
    old = ended(*lived(flow, moves), status)

    run, log = lived(flow, later, rerun_of(old, flow, choice))

    assert ended(run, log).phase in ("ended", "pending")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(flows(), HISTORIES, MOVES)
def test_signal_that_is_repeated_at_once_brings_about_nothing_new(
    flow: Flow, moves: list[Move], move: Move
) -> None:
    run, log = lived(flow, moves)
    signal = addressed(run, move)
    assume(not isinstance(signal, Reset))  # a merge that settled again at once may be reset again
    assume(not isinstance(signal, DataGiven) or signal.visit)  # a loop may open the form again

    run, _ = _told(run, log, signal)

    assert decided(run, signal, NOW).events == ()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(flows(), HISTORIES, MOVES)
def test_signal_for_another_key_than_the_current_one_is_ignored(
    flow: Flow, moves: list[Move], move: Move
) -> None:
    run, _ = lived(flow, moves)
    signal = addressed(run, move)
    keyed = isinstance(signal, Started | Reported | TimerFired) and move.kind != "answer"
    off = move.epoch != 0 or ((move.attempt or move.visit) != 0 and move.kind != "run")
    assume(keyed and off)

    assert decided(run, signal, NOW).events == ()


@settings(max_examples=100, deadline=None)
@given(flows(), HISTORIES, st.integers(1, 4))
def test_answer_for_another_visit_than_the_open_one_is_ignored(
    flow: Flow, moves: list[Move], visit: int
) -> None:
    run, _ = lived(flow, moves)

    for node, state in run.nodes.items():
        answered = DataGiven(node=node, values={}, good=True, by="alice", visit=visit)
        assert visit == state.visit or not decided(run, answered, NOW).events


@settings(max_examples=100, deadline=None)
@given(flows(), HISTORIES, MOVES)
def test_decision_holds_the_run_after_each_event(flow: Flow, moves: list[Move], move: Move) -> None:
    run, _ = lived(flow, moves)

    decision = decided(run, addressed(run, move), NOW)

    evolved = tuple(accumulate(decision.events, evolve, initial=run))
    assert (run, *decision.runs) == evolved
    assert decision.run == evolved[-1]


@settings(max_examples=100, deadline=None)
@given(flows(), HISTORIES)
def test_deciding_twice_decides_alike(flow: Flow, moves: list[Move]) -> None:
    assert lived(flow, moves) == lived(flow, moves)


@settings(max_examples=100, deadline=None)
@given(flows(), HISTORIES, st.lists(MOVES, max_size=5))
def test_superseded_run_stops_and_begins_nothing(
    flow: Flow, moves: list[Move], later: list[Move]
) -> None:
    run, _ = lived(flow, moves)
    run = evolve(run, GrantSuperseded(at=Instant(NOW + 1), epoch=run.epoch + 1))

    for move in later:
        run = decided(run, addressed(run, move), NOW).run

    assert run.phase in ("ending", "ended")
    assert not any(isinstance(e, StartAction | SetTimer | AskData) for e in owed(run))


@settings(max_examples=200, deadline=None)
@given(flows(), HISTORIES)
def test_node_that_the_graph_calls_unreachable_never_enters(flow: Flow, moves: list[Move]) -> None:
    run, _ = lived(flow, moves)

    entered = {node for node, state in run.nodes.items() if not state.is_skipped}
    assert graph_of(flow).unreachable.isdisjoint(entered)


@settings(max_examples=100, deadline=None)
@given(flows())
def test_graph_has_a_level_for_each_node(flow: Flow) -> None:
    graph = graph_of(flow)

    assert set(graph.levels) == set(flow.by_id)
    assert all(level >= 1 for level in graph.levels.values())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flows(), HISTORIES)
def test_log_that_is_cut_anywhere_decides_as_its_run_did(flow: Flow, moves: list[Move]) -> None:
    run, log = lived(flow, [])
    met = []
    for move in moves:
        signal, length = addressed(run, move), len(log)
        run, log = _told(run, log, signal)
        met.append((length, signal, tuple(log[length:])))

    for length, signal, events in met:
        folded = attached(fold(run.ref, log[:length]), flow)
        assert decided(folded, signal, NOW).events == events


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(flows(), HISTORIES, MOVES)
def test_reset_keeps_other_nodes_earlier_visits_and_their_tags(
    flow: Flow, moves: list[Move], move: Move
) -> None:
    before, _ = lived(flow, moves)
    signal = reset(before, move)
    decision = decided(before, signal, NOW)
    assume(decision.events)

    run = decision.runs[0]

    others = before.nodes.keys() - set(signal.nodes)
    assert all(run.nodes[node] == before.nodes[node] for node in others)
    assert run.earlier == before.earlier
    kept = {tag for tag in before.standing if emitter_of(tag) not in signal.nodes}
    assert set(run.standing) == kept | {signal.by}


def test_invariants_bite() -> None:
    run, log = lived(a_flow(), [])

    with pytest.raises(AssertionError):
        check_run(run, [*log, log[-1]])
