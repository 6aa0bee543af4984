"""The core of a single host over whole histories: what is undone, loaded and owed."""

from collections.abc import Sequence
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from floe.kernel.owed import owed
from floe.model.effect import StopAction
from floe.model.event import RunEnded
from floe.model.ids import RunRef
from floe.model.signal import Cancel
from tests.make import (
    a_flow,
    a_node,
    exited,
)
from tests.make_core import (
    MOVES,
    Move,
    a_core,
    begun,
    check,
    ended,
    events_of,
    input_of,
    snapshot,
    stepped,
    to,
)


@settings(max_examples=60, deadline=None)
@given(MOVES, st.integers(1, 4))
def test_undone_step_leaves_everything_as_it_was(
    moves: Sequence[Sequence[Move]], slots: int
) -> None:
    core = a_core(slots=slots)

    for batch in moves:
        words = [input_of(core, move) for move in batch]
        before = snapshot(core)
        undone = stepped(core, *words)
        core.undo(undone)
        assert snapshot(core) == before
        check(core)

        again = stepped(core, *words)
        assert [type(e) for e in events_of(again)] == [type(e) for e in events_of(undone)]
        assert [a.after for a in again.appends] == [a.after for a in undone.appends]


@settings(max_examples=40, deadline=None)
@given(MOVES)
def test_appends_of_a_history_follow_one_another(moves: Sequence[Sequence[Move]]) -> None:
    core = a_core(slots=3)
    heads: dict[RunRef, tuple[int, int]] = {}

    for batch in moves:
        for append in stepped(core, *[input_of(core, move) for move in batch]).appends:
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
        stepped(core, *[input_of(core, move) for move in batch])

    again = a_core(slots=2)
    effects = again.load(sorted(core.table.runs.values(), key=lambda run: run.ref))

    assert set(effects) == {e for run in core.table.runs.values() for e in owed(run)}
    assert again.table.held == core.table.held
    assert again.table.queues == core.table.queues
    assert again.table.active == core.table.active


def test_cancelled_run_ends_only_after_its_last_process() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_node("build"), a_node("other")))

    cancel = stepped(core, to(run, Cancel(by="bob")))
    one = stepped(core, to(run, exited(core.table.runs[run.ref], "other", 143)))
    last = ended(core, run)

    assert {type(e) for e in cancel.effects} == {StopAction}
    assert not any(isinstance(e, RunEnded) for e in events_of(one))
    assert isinstance(events_of(last)[-1], RunEnded)
