"""What a host decides: pends, places, resources, idempotency, and taking back."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.host import placement as placement_module
from floe.host import site as site_module
from floe.host.core import HubCore
from floe.host.inputs import FlowRead, Incoming, Input, Mark, Packed, Start
from floe.host.placement import GRANTS_MAX
from floe.host.result import StepResult
from floe.host.site import HostSettings
from floe.kernel import place as kernel_place
from floe.kernel.owed import owed
from floe.model.codec import digest_of
from floe.model.effect import Effect, LoadFlow, PackArchive, StartAction, StopAction
from floe.model.event import Event, RunActivated, RunEnded, RunGranted, RunPended
from floe.model.flow import Flow, Retry
from floe.model.host import Pend
from floe.model.refs import FlowId, NodeId, RunRef
from floe.model.run import Run
from floe.model.signal import Cancel, DataGiven, Exited, FlowUnreadable, Reported, TimerFired
from floe.store.base import LedgerWrite
from tests.make import (
    H1,
    NOW,
    STORE,
    a_flow,
    a_form,
    a_merge,
    a_node,
    a_timer,
    an_end,
    exited,
    started,
    the_key,
)

BUILD = a_flow(a_node("build"), an_end())


def a_core(**others: Any) -> HubCore:
    made: dict[str, Any] = {"id": H1, "tags": frozenset({"linux"}), "workspace_root": "/srv"}
    return HubCore(HostSettings(**(made | others)), STORE)


def a_start(flow: Flow = BUILD, **others: Any) -> Incoming:
    made: dict[str, Any] = {
        "flow": flow,
        "digest": None if flow.flow_file else digest_of(flow),
        "trigger": NodeId("start"),
        "values": {},
        "by": "alice",
    }
    return Incoming(input=Start(**(made | others)))


def a_resource(*tags: str, **others: Any) -> Flow:
    return a_flow(a_node("build"), an_end(), resource_tags=tags, **others)


def told(core: HubCore, *words: Incoming) -> StepResult:
    return core.step(words, NOW)


def begun(core: HubCore, *flows: Flow) -> list[Run]:
    """The runs of some flows, each started in a step of its own."""
    refs = [told(core, a_start(flow)).appends[0].run for flow in flows]
    return [core.table.runs[ref] for ref in refs]


def to(run: Run | RunRef, word: Input, **others: Any) -> Incoming:
    return Incoming(input=word, run=run.ref if isinstance(run, Run) else run, **others)


def ended(core: HubCore, run: Run) -> StepResult:
    """The step in which the one command of a run ends well."""
    return told(core, to(run, exited(core.table.runs[run.ref], "build")))


def events_of(decided: StepResult) -> list[Event]:
    return [step.record.event for step in decided.recorded]


def phases(core: HubCore, *runs: Run) -> list[str]:
    return [core.table.runs[run.ref].phase for run in runs]


# --- a start ---


def test_start_makes_a_pend_with_the_next_serial_and_its_ledger_rows() -> None:
    core = a_core()
    told(core, a_start())

    decided = told(core, a_start(marks=(LedgerWrite(kind="mark", key="x", value=7),)))

    assert decided.appends[0].run == RunRef(H1, STORE, 2)
    rows = {(row.kind, row.key): row.value for row in decided.ledger}
    assert rows == {("serial", "run"): 2, ("mark", "x"): 7}


def test_flow_is_stored_once_by_its_digest() -> None:
    core = a_core()

    stored = [row for _ in range(3) for row in told(core, a_start()).ledger if row.kind == "flow"]

    assert [row.key for row in stored] == [digest_of(BUILD)]


def test_start_that_a_host_takes_is_active_in_the_same_step() -> None:
    decided = told(a_core(), a_start())

    assert [type(e) for e in events_of(decided)][:3] == [RunPended, RunGranted, RunActivated]
    assert [type(e) for e in decided.effects] == [StartAction]


def test_effects_come_in_the_order_of_the_flow() -> None:
    names = [f"n{i}" for i in range(20)]

    decided = told(a_core(), a_start(a_flow(*map(a_node, names))))

    assert [e.key.node for e in decided.effects if isinstance(e, StartAction)] == names


def test_run_with_a_flow_file_reads_it_first_and_is_placed_after() -> None:
    core = a_core()
    declared = a_flow(flow_file="x.yml", nodes=())

    read = told(core, a_start(declared))
    ref = read.appends[0].run
    digest = digest_of(BUILD)
    placed = told(core, to(ref, FlowRead(flow=BUILD, digest=digest, source="x.yml@1")))

    assert read.effects == (LoadFlow(ref),)
    assert placed.closed == (LoadFlow(ref),)
    assert core.table.runs[ref].phase == "active"
    assert any(row.kind == "flow" and row.key == digest for row in placed.ledger)


def test_flow_read_late_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    word = FlowRead(flow=BUILD, digest=digest_of(BUILD), source="x")
    decided = told(core, to(run, word, ticket=1))

    assert (decided.appends, decided.replies[0].changed) == ((), False)


def test_unreadable_flow_file_ends_the_run_bad() -> None:
    core = a_core()
    ref = told(core, a_start(a_flow(flow_file="x.yml"))).appends[0].run

    decided = told(core, to(ref, FlowUnreadable(why="gone")))

    assert core.table.runs[ref].why == "gone"
    assert decided.effects == (PackArchive(ref),)
    assert core.table.active == 0


# --- placing ---


def test_run_whose_tags_no_host_has_waits() -> None:
    core = a_core()

    [run] = begun(core, a_flow(host_tags=("linux", "gpu")))

    assert run.phase == "pending"


def test_slots_bound_the_active_runs_and_an_end_lets_the_oldest_in() -> None:
    core = a_core(slots=1)
    first, second, third = begun(core, BUILD, BUILD, BUILD)

    ended(core, first)

    assert phases(core, first, second, third) == ["ended", "active", "pending"]


def test_oldest_goes_first_whatever_it_needs() -> None:
    core = a_core(slots=1)
    flows = [BUILD, a_resource("x", id=FlowId("x")), BUILD, a_resource("x", id=FlowId("x"))]
    runs = begun(core, BUILD, *flows)

    for run in runs[:-1]:
        ended(core, run)

    assert phases(core, *runs) == ["ended"] * 4 + ["active"]


def test_run_that_waits_does_not_hold_up_younger_ones_that_fit() -> None:
    core = a_core()

    stuck, fits = begun(core, a_flow(host_tags=("gpu",)), BUILD)

    assert phases(core, stuck, fits) == ["pending", "active"]


@pytest.mark.parametrize("tag", ["nic", "host:nic"])
def test_resource_is_released_by_the_end_of_its_run_alone(tag: str) -> None:
    core = a_core()
    holder, waiter = begun(core, a_resource(tag), a_resource(tag))

    told(core, to(holder, Cancel(by="bob")))
    while_ending = phases(core, holder, waiter)
    told(core, to(holder, exited(core.table.runs[holder.ref], "build", 143)))

    assert while_ending == ["ending", "pending"]
    assert phases(core, holder, waiter) == ["ended", "active"]
    assert core.table.held == {tag: waiter.ref}


def test_cancelled_waiter_frees_nothing_of_the_holder() -> None:
    core = a_core()
    holder, second, third = begun(core, *[a_resource("nic", reuse_space=True)] * 3)

    told(core, to(second, Cancel(by="bob")))

    assert phases(core, holder, second, third) == ["active", "ended", "pending"]
    assert core.table.held == {"nic": holder.ref}
    assert core.table.spaces == {FlowId("flow"): holder.ref}
    assert core.table.active == 1


def test_two_resources_are_taken_together_or_not_at_all() -> None:
    core = a_core()

    one, both, other = begun(core, a_resource("a"), a_resource("a", "b"), a_resource("b"))

    assert phases(core, one, both, other) == ["active", "pending", "active"]


def test_workspace_is_reused_by_one_run_of_the_flow_at_a_time() -> None:
    core = a_core()
    shared = a_flow(a_node("build"), reuse_space=True)
    first, second, elsewhere = begun(core, shared, shared, replace(shared, id=FlowId("other")))

    ended(core, first)

    assert phases(core, first, second, elsewhere) == ["ended", "active", "active"]
    spaces = {run.workspace for run in (first, core.table.runs[second.ref])}
    assert spaces == {"/srv/spaces/flow/ws/single"}


def test_each_holding_has_its_own_fence() -> None:
    core = a_core()
    first, second = begun(core, a_resource("nic"), a_resource("nic"))

    ended(core, first)

    assert first.fences == {"nic": "0.1"}
    assert core.table.runs[second.ref].fences == {"nic": "0.2"}


def test_draining_host_takes_nothing_until_it_no_longer_drains() -> None:
    core = a_core()
    core.site.draining = True
    [run] = begun(core, BUILD)
    assert (run.phase, core.is_behind) == ("pending", False)

    core.site.draining = False

    assert core.is_behind
    told(core)
    assert phases(core, run) == ["active"]


def test_runs_that_end_at_once_do_not_strand_those_behind_them() -> None:
    core = a_core(slots=1)
    at_once = a_flow(an_end(on="trigger.good"))

    told(core, *[a_start(at_once)] * 3)
    while core.is_behind:
        told(core)

    assert {run.phase for run in core.table.runs.values()} == {"ended"}


def test_one_step_gives_away_a_bounded_number_and_the_next_goes_on() -> None:
    core = a_core(slots=10 * GRANTS_MAX)
    core.site.draining = True
    told(core, *[a_start()] * (GRANTS_MAX + 5))
    core.site.draining = False

    first = told(core)
    behind = core.is_behind
    second = told(core)

    assert (len(first.appends), behind, len(second.appends)) == (GRANTS_MAX, True, 5)
    assert not core.is_behind


def test_pends_with_equal_needs_are_tried_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    core = a_core()
    holder, *_ = begun(core, *[a_resource("nic")] * 50)
    tried: list[RunRef] = []
    place = kernel_place.place

    def counted(pend: Pend, *others: Any) -> Any:
        tried.append(pend.run)
        return place(pend, *others)

    monkeypatch.setattr(placement_module, "place", counted)

    told(core, to(holder, started(holder, "build")))
    for_nothing = len(tried)
    ended(core, holder)

    assert (for_nothing, len(tried)) == (0, 2)


# --- the same again ---


def test_start_with_a_known_key_is_answered_with_the_first_run() -> None:
    core = a_core()
    first = told(core, replace(a_start(once="k"), ticket=1)).replies[0]

    again = told(core, replace(a_start(once="k"), ticket=2))

    assert (again.replies[0].run, again.replies[0].changed) == (first.run, False)
    assert (again.appends, again.ledger) == ((), ())


def test_start_with_one_key_twice_in_a_batch_makes_one_run() -> None:
    core = a_core()

    decided = told(core, replace(a_start(once="k"), ticket=1), replace(a_start(once="k"), ticket=2))

    assert len(core.table.runs) == 1
    assert {reply.run for reply in decided.replies} == set(core.table.runs)


def test_answer_with_a_known_key_is_repeated_and_counts_once() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_form(), a_node("after", on="task.sign-off.good")))
    word = to(
        run, DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob"), once="k", ticket=1
    )
    told(core, word)

    again = told(core, word)

    assert (again.replies[0].changed, again.appends) == (True, ())


def test_answer_to_a_closed_form_changes_nothing_and_says_so() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_form()))
    word = DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob")
    told(core, to(run, word))

    again = told(core, to(run, word, ticket=1))

    assert (again.replies[0].changed, again.appends) == (False, ())


def test_keys_kept_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "ONCE_MAX", 5)
    core = a_core(slots=1)

    told(core, *[a_start(once=f"k{i}") for i in range(7)])

    assert list(core.site.once) == ["k2", "k3", "k4", "k5", "k6"]


def test_word_to_a_run_that_is_not_here_is_answered_as_late() -> None:
    decided = told(a_core(), to(RunRef(H1, STORE, 9), Cancel(by="bob"), ticket=1))

    assert (decided.replies[0].changed, decided.appends) == (False, ())


# --- what is stored ---


def test_append_follows_the_log_it_was_decided_on() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    [append] = ended(core, run).appends

    assert (append.after, append.epoch) == (run.seq, 1)
    assert [r.seq for r in append.records] == list(range(run.seq + 1, run.seq + 6))
    assert append.summary
    assert (append.summary.phase, append.summary.good) == ("ended", True)


def test_row_is_written_only_where_it_changed() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    [append] = told(core, to(run, started(run, "build"))).appends

    assert append.summary is None


def form_run(core: HubCore) -> Run:
    [run] = begun(core, a_flow(a_form(), a_node("n", on="task.sign-off.good")))
    return run


def test_promises_are_promised() -> None:
    core = a_core()
    run = form_run(core)
    given = DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob")

    start = told(core, a_start())
    answer = told(core, to(run, given))
    cancel = told(core, to(run, Cancel(by="bob")))
    mark = told(core, Incoming(input=Mark(rows=())))

    assert [d.promise for d in (start, answer, cancel, mark)] == [True] * 4


def test_steps_are_not_promised() -> None:
    core = a_core()
    retried = a_flow(a_node("build", retry=Retry(max=1)), a_node("next", on="task.build.good"))
    [run] = begun(core, retried)

    steps = [told(core, to(run, started(run, "build")))]
    steps += [told(core, to(run, exited(run, "build", 1)))]
    key = the_key(core.table.runs[run.ref], "build")
    steps += [told(core, to(run, TimerFired(key=key, kind="retry")))]
    steps += [ended(core, run)]
    steps += [told(core, Incoming(input=Mark(rows=(), promise=False)))]

    assert [bool(d.appends) for d in steps] == [True] * 4 + [False]
    assert [d.promise for d in steps] == [False] * 5


def test_ended_run_is_on_the_list_of_the_unpacked_until_it_is_packed() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    ending = ended(core, run)
    packing = told(core, to(run, Packed(digests={})))

    assert LedgerWrite(kind="unpacked", key=run.ref.key, value=True) in ending.ledger
    assert LedgerWrite(kind="unpacked", key=run.ref.key, value=None) in packing.ledger
    assert (core.table.runs, core.table.owed(run.ref)) == ({}, frozenset())


def test_packing_twice_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    assert told(core, to(run, Packed(digests={}))).appends == ()


# --- what no store can hold ---


def test_word_that_cannot_be_written_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, BUILD)
    before = snapshot(core)
    report = Exited(status=0, outputs={"x": float("nan")})
    bad = Reported(key=the_key(run, "build"), report=report, at=NOW)

    with pytest.raises(ValueError, match="not JSON compliant"):
        told(core, a_start(once="k"), to(run, bad))

    assert snapshot(core) == before


# --- properties ---

CHAIN = a_flow(
    a_node("a", retry=Retry(max=1)),
    a_node("b", on="task.a.good"),
    a_form("ask", on="task.a.good", timeout_s=9.0),
    a_timer("pause", on="task.ask.good"),
    a_merge("all", ["task.b.good", "task.pause.good"]),
    an_end(on="merge.all.good"),
    id=FlowId("chain"),
    timeout_s=3600.0,
)
FLOWS = (
    BUILD,
    CHAIN,
    a_resource("nic", id=FlowId("nic"), reuse_space=True),
    a_resource("nic", "host:usb", id=FlowId("usb")),
    a_flow(id=FlowId("stuck"), host_tags=("gpu",)),
    a_flow(an_end(on="trigger.good"), id=FlowId("at-once"), resource_tags=("host:usb",)),
    a_flow(id=FlowId("read"), flow_file="x.yml"),
)

Move = tuple[int, int, int]
MOVES = st.lists(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=4), max_size=25)


def word_of(core: HubCore, move: Move) -> Incoming:
    """A word that fits the state at hand, more or less: some are late or repeated."""
    what, which, how = move
    runs = list(core.table.runs.values())
    if what < 4 or not runs:
        once = f"k{which}" if how > 7 else ""
        return a_start(FLOWS[which % len(FLOWS)], once=once)
    run = runs[which % len(runs)]
    if run.phase == "reading":
        return to(run, FlowRead(flow=BUILD, digest=digest_of(BUILD), source="x"))
    if run.phase == "ended":
        return to(run, Packed(digests={}))
    if what == 4:
        return to(run, Cancel(by="bob"))
    nodes = [n for n in run.nodes if n in run.open]
    if not nodes:
        return to(run, Cancel(by="bob"))
    node = nodes[how % len(nodes)]
    state = run.nodes[node]
    key = the_key(run, node)
    if state.phase == "asking":
        return to(run, DataGiven(node=node, values={"ok": True}, good=how != 0, by="bob"))
    if state.phase == "armed":
        return to(run, TimerFired(key=key, kind="retry"))
    if node == "pause":
        return to(run, TimerFired(key=key, kind="wait"))
    if what == 5:
        return to(run, started(run, node))
    return to(run, exited(run, node, 0 if how else 1))


def snapshot(core: HubCore) -> object:
    table = core.table
    return (
        dict(table.runs),
        dict(table.pends),
        {needs: list(queue) for needs, queue in table.queues.items()},
        dict(table.held),
        dict(table.spaces),
        table.active,
        {ref: table.owed(ref) for ref in table.runs},
        dict(core.site.once.items()),
        set(core.site.flows_stored),
    )


def check(core: HubCore) -> None:
    """What holds of a table at any time."""
    table = core.table
    holders = [
        (tag, run.ref)
        for run in table.runs.values()
        if run.state == "active" and run.started_at is not None and run.flow
        for tag in run.flow.resource_tags
    ]
    assert dict(holders) == table.held
    assert len(holders) == len(table.held), "a resource is never held by two runs at once"
    assert table.active == len([r for r in table.runs.values() if r.phase in ("active", "ending")])
    assert table.active <= core.site.settings.slots
    assert sorted(ref for q in table.queues.values() for ref in q) == sorted(table.pends)
    assert set(table.pends) == {r.ref for r in table.runs.values() if r.phase == "pending"}
    if not core.is_behind and core.site.has_room:
        assert all(core.place(p, NOW) != H1 for p in table.pends.values()), "somebody is stranded"


@settings(max_examples=60, deadline=None)
@given(MOVES, st.integers(1, 4))
def test_effects_told_and_closed_are_what_the_kernel_owes(
    moves: Sequence[Sequence[Move]], slots: int
) -> None:
    core = a_core(slots=slots)
    doing: set[Effect] = set()

    for batch in moves:
        decided = told(core, *[word_of(core, move) for move in batch])
        assert doing.issuperset(decided.closed)
        doing -= set(decided.closed)
        assert doing.isdisjoint(decided.effects)
        doing |= set(decided.effects)
        check(core)
        assert doing == {e for run in core.table.runs.values() for e in owed(run)}


@settings(max_examples=60, deadline=None)
@given(MOVES, st.integers(1, 4))
def test_undone_step_leaves_everything_as_it_was(
    moves: Sequence[Sequence[Move]], slots: int
) -> None:
    core = a_core(slots=slots)

    for batch in moves:
        words = [word_of(core, move) for move in batch]
        before = snapshot(core)
        undone = told(core, *words)
        core.undo(undone)
        assert snapshot(core) == before
        check(core)

        again = told(core, *words)
        assert [type(e) for e in events_of(again)] == [type(e) for e in events_of(undone)]
        assert [a.after for a in again.appends] == [a.after for a in undone.appends]


@settings(max_examples=40, deadline=None)
@given(MOVES)
def test_appends_of_a_history_follow_one_another(moves: Sequence[Sequence[Move]]) -> None:
    core = a_core(slots=3)
    heads: dict[RunRef, tuple[int, int]] = {}

    for batch in moves:
        for append in told(core, *[word_of(core, move) for move in batch]).appends:
            epoch, seq = heads.get(append.run, (0, 0))
            assert (append.after, append.epoch >= epoch) == (seq, True)
            assert [r.seq for r in append.records] == [
                n for n, _ in zip(count(seq + 1), append.records, strict=False)
            ]
            heads[append.run] = (append.epoch, append.records[-1].seq)


@settings(max_examples=40, deadline=None)
@given(MOVES)
def test_core_that_is_loaded_again_owes_and_holds_the_same(
    moves: Sequence[Sequence[Move]],
) -> None:
    core = a_core(slots=2)
    for batch in moves:
        told(core, *[word_of(core, move) for move in batch])

    again = a_core(slots=2)
    effects = again.load(sorted(core.table.runs.values(), key=lambda run: run.ref))

    assert set(effects) == {e for run in core.table.runs.values() for e in owed(run)}
    assert again.table.held == core.table.held
    assert again.table.queues == core.table.queues
    assert again.table.active == core.table.active


def test_end_of_everything_leaves_nothing_behind() -> None:
    core = a_core(slots=1)
    runs = begun(core, *[a_resource("nic", reuse_space=True)] * 5)

    for run in runs:
        ended(core, run)
        told(core, to(run, Packed(digests={})))

    table = core.table
    kept: list[object] = [table.runs, table.pends, table.queues, table.held, table.spaces]
    assert [*kept, table._owed, table.active] == [{}] * 6 + [0]


def test_cancelled_run_ends_only_after_its_last_process() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_node("build"), a_node("other")))

    cancel = told(core, to(run, Cancel(by="bob")))
    one = told(core, to(run, exited(core.table.runs[run.ref], "other", 143)))
    last = ended(core, run)

    assert {type(e) for e in cancel.effects} == {StopAction}
    assert not any(isinstance(e, RunEnded) for e in events_of(one))
    assert isinstance(events_of(last)[-1], RunEnded)
