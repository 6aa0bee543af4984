"""The table of runs: its indices, and what runs owe."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from floe.host.inputs import Packed
from floe.host.runs import RunTable
from floe.kernel.owed import owed
from floe.model.effect import Effect
from tests.make import STORE
from tests.make_core import (
    BUILD,
    MOVES,
    Move,
    a_core,
    a_resource,
    begun,
    check,
    ended,
    input_of,
    stepped,
    to,
)


@settings(max_examples=60, deadline=None)
@given(MOVES, st.integers(1, 4))
def test_effects_listed_and_closed_are_what_the_kernel_owes(
    moves: Sequence[Sequence[Move]], slots: int
) -> None:
    core = a_core(slots=slots)
    doing: set[Effect] = set()

    for batch in moves:
        decided = stepped(core, *[input_of(core, move) for move in batch])
        assert doing.issuperset(decided.closed)
        doing -= set(decided.closed)
        assert doing.isdisjoint(decided.effects)
        doing |= set(decided.effects)
        check(core)
        assert doing == {e for run in core.table.runs.values() for e in owed(run)}


def test_end_of_everything_leaves_nothing_behind() -> None:
    core = a_core(slots=1)
    runs = begun(core, *[a_resource("nic", reuse_space=True)] * 5)

    for run in runs:
        ended(core, run)
        stepped(core, to(run, Packed(digests={})))

    table = core.table
    kept: list[object] = [table.runs, table.pends, table.queues, table.held, table.spaces]
    assert [*kept, table._owed, table.active] == [{}] * 6 + [0]


def test_table_knows_when_a_pend_may_be_placed_that_could_not_be_before() -> None:
    core = a_core(slots=0)
    [pending] = begun(core, BUILD)
    table = RunTable(STORE)

    came = table.put(pending.ref, pending)
    same = table.put(pending.ref, replace(pending, seq=9))
    left = table.put(pending.ref, None)

    assert (came, same, left) == (True, False, False)


def test_run_holds_again_what_a_second_holder_has_left() -> None:
    core = a_core()
    [first] = begun(core, a_resource("oven"))
    second = replace(first, ref=replace(first.ref, serial=9))
    table = RunTable(STORE)
    for run in (first, second):
        table.put(run.ref, run)

    table.put(second.ref, None)

    assert table.held == {"oven": first.ref}
