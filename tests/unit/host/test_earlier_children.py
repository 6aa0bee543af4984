"""Parents that start again wait for the children of their lost starts."""

from dataclasses import replace

import pytest

from floe.host.earlier_children import has_unread, restarting
from floe.host.inputs import ChildrenLeft, Mark
from floe.kernel.place import Refusals
from floe.model.children import SubFlow
from floe.model.flow import Flow
from floe.model.ids import HostId, Key, NodeId, RunRef
from floe.model.run import State
from floe.store.base import Append
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, carry, forget, later, met, two
from tests.make_store import a_run, a_summary

H3 = HostId("h3")
STILL_RUNS = ("the end of h2-1, a child of its lost start, active on h3",)


def release(work: SubFlow | None = None) -> Flow:
    """A flow with a child run, which starts again when its host is lost."""
    go = a_node("go", work or SubFlow(flow="deploy"))
    return a_flow(go, an_end(on="task.go.good"), host_tags=("gpu",), on_host_lost="restart")


def a_restart(flow: Flow) -> tuple[Host, Host, RunRef]:
    """h1 with a run whose host was forgotten, and h3, which could run it."""
    h1, h2 = two()
    ref = h1.start(flow)
    carry(h1, h2)
    forget(h1, h2)
    h3 = a_host_core("h3", tags=frozenset({"gpu"}))
    met(h1, h3)
    carry(h1, h3)
    return h1, h3, ref


def left(host: Host, ref: RunRef, *names: str) -> ChildrenLeft:
    """The children of a parent as the lists have them now."""
    return replace(restarting(host.core.site)[ref], names=names)


def what_it_waits_for(host: Host, ref: RunRef) -> tuple[str, ...]:
    """What keeps a pending run from every host."""
    placed = host.core.place(host.core.table.pends[ref], host.now)
    return placed.resources if isinstance(placed, Refusals) else ()


def a_child_row(parent: RunRef, state: State) -> Mark:
    """The row of a child that h2 adopted, as it comes from a peer."""
    key = Key(parent, 1, NodeId("go"), 1, 1)
    child = a_run(1, host="h2", store="aaaa")
    row = a_summary(child, parent=str(key), awaited=True, state=state)
    append = Append(run=child, epoch=row.epoch, after=0, records=(), summary=row)
    return Mark(rows=(), appends=(append,))


def test_parent_that_starts_again_waits_until_its_children_are_read() -> None:
    h1, _, ref = a_restart(release())

    assert h1.run(ref).phase == "pending"
    assert what_it_waits_for(h1, ref) == ("the list of its earlier child runs",)
    assert has_unread(h1.core.site)


def test_children_are_read_once_until_something_changes() -> None:
    h1, h3, ref = a_restart(release())

    h1.step(left(h1, ref, *STILL_RUNS), run=ref)
    later(20_000, h1, h3)

    assert not has_unread(h1.core.site)


def test_parent_that_starts_again_waits_for_a_child_that_is_left() -> None:
    h1, h3, ref = a_restart(release())

    h1.step(left(h1, ref, *STILL_RUNS), run=ref)
    later(20_000, h1, h3)

    assert h1.run(ref).phase == "pending"
    assert what_it_waits_for(h1, ref) == STILL_RUNS


def test_parent_starts_again_when_no_child_is_left() -> None:
    h1, h3, ref = a_restart(release())
    h1.step(left(h1, ref, *STILL_RUNS), run=ref)

    h1.step(left(h1, ref), run=ref)
    carry(h1, h3)

    assert (h1.run(ref).phase, h1.run(ref).host) == ("active", H3)


@pytest.mark.parametrize(
    "flow",
    [release(SubFlow(flow="deploy", wait=False)), replace(release(), nodes=(a_node(), an_end()))],
    ids=["that waits for no child", "without children"],
)
def test_run_starts_again_at_once(flow: Flow) -> None:
    h1, _, ref = a_restart(flow)

    assert h1.run(ref).host == H3


def test_children_that_were_read_for_an_earlier_start_do_not_count() -> None:
    h1, _, ref = a_restart(release())
    late = replace(left(h1, ref), epoch=h1.run(ref).epoch - 1)

    decided = h1.step(late, run=ref, ticket=1)

    assert [reply.changed for reply in decided.replies] == [False]
    assert h1.run(ref).phase == "pending"


def test_children_that_are_read_again_unchanged_change_nothing() -> None:
    h1, _, ref = a_restart(release())
    h1.step(left(h1, ref, *STILL_RUNS), run=ref)

    again = h1.step(left(h1, ref, *STILL_RUNS), run=ref, ticket=1)

    assert [reply.changed for reply in again.replies] == [False]


def test_row_of_a_living_child_has_the_children_read_again() -> None:
    h1, _, ref = a_restart(release())
    h1.step(left(h1, ref, *STILL_RUNS), run=ref)
    row = a_child_row(ref, "active")

    h1.step(row)

    assert what_it_waits_for(h1, ref) == ("the list of its earlier child runs",)


def test_children_that_were_read_before_the_row_of_a_living_one_came_do_not_count() -> None:
    h1, _, ref = a_restart(release())
    early = left(h1, ref)
    row = a_child_row(ref, "active")

    h1.step(row)
    h1.step(early, run=ref)

    assert h1.run(ref).phase == "pending"


def test_row_of_a_child_that_ended_changes_nothing() -> None:
    h1, _, ref = a_restart(release())
    h1.step(left(h1, ref, *STILL_RUNS), run=ref)
    row = a_child_row(ref, "archive")

    h1.step(row)

    assert what_it_waits_for(h1, ref) == STILL_RUNS


def test_pend_behind_a_parent_that_waits_for_a_child_gets_its_host() -> None:
    h1, h3, _ = a_restart(release())

    other = h1.start(release())
    carry(h1, h3)

    assert h1.run(other).host == H3
