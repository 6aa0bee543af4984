"""What a run owes, whole and node by node."""

import pytest

from floe.kernel.owed import WHOLE, longest_s, owed, owed_by, part_of, parts_of
from floe.model.effect import SetTimer, StartAction
from floe.model.event import ItemEntered
from floe.model.flow import Backoff, Flow, Foreach, Retry
from floe.model.ids import NodeId
from tests.make import NOW, a_flow, a_form, a_node, a_run, a_timer, after, exited, the_key


def test_whole_is_the_run_and_its_open_nodes() -> None:
    run = a_run(a_flow(a_node("build"), a_form("ask", timeout_s=60), timeout_s=3600))

    parts = [owed_by(run, node) for node in (WHOLE, *run.open)]

    assert owed(run) == frozenset[object]().union(*parts)
    assert [len(part) for part in parts if part] == [len(part) for part in parts]


def test_whole_alone_is_the_time_limit() -> None:
    run = a_run(a_flow(timeout_s=3600))

    (timer,) = owed_by(run, WHOLE)

    assert isinstance(timer, SetTimer)
    assert (timer.kind, timer.key.node, timer.due) == ("run", "", NOW + 3_600_000)


def test_node_owes_its_own() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b")))

    assert owed_by(run, NodeId("a")) == {StartAction(the_key(run, "a"), started=False)}


def test_settled_node_owes_nothing() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b")))

    run = after(run, exited(run, "a"))

    assert owed_by(run, NodeId("a")) == frozenset()


def test_node_that_has_not_entered_owes_nothing() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b", on="task.a.good")))

    assert owed_by(run, NodeId("b")) == frozenset()


@pytest.mark.parametrize(
    ("flow", "longest"),
    [
        (a_flow(timeout_s=90.0), 90.0),
        (a_flow(a_timer(period_s=60.0)), 60.0),
        (a_flow(a_timer(period_s=60.0, timeout_s=20.0)), 20.0),
        (a_flow(a_form(timeout_s=30.0)), 30.0),
    ],
)
def test_timer_takes_as_long_as_its_key_allows_at_most(flow: Flow, longest: float) -> None:
    run = a_run(flow)
    [timer] = [effect for effect in owed(run) if isinstance(effect, SetTimer)]

    assert longest_s(run, timer) == longest
    assert timer.due == NOW + longest * 1000


def test_retry_takes_its_longest_backoff_and_the_jitter_at_most() -> None:
    retry = Retry(max=3, backoff=Backoff(first_s=10.0, max_s=10.0))
    run = a_run(a_flow(a_node("build", retry=retry)))
    run = after(run, exited(run, "build", status=1))
    [timer] = [effect for effect in owed(run) if isinstance(effect, SetTimer)]

    assert longest_s(run, timer) == 11.0
    assert timer.due <= NOW + 11_000


def test_first_wait_of_a_backoff_that_grows_is_not_taken_for_the_last() -> None:
    retry = Retry(max=3, backoff=Backoff(first_s=10.0, factor=2.0, max_s=300.0))
    run = a_run(a_flow(a_node("build", retry=retry)))
    run = after(run, exited(run, "build", status=1))
    [timer] = [effect for effect in owed(run) if isinstance(effect, SetTimer)]

    assert longest_s(run, timer) == 11.0


def test_event_changes_what_its_item_owes_and_its_node_owes_nothing() -> None:
    run = a_run(a_flow(a_node("test", foreach=Foreach(values=("eu", "us")))))
    began = ItemEntered(at=NOW, node=NodeId("test"), visit=1, item=1)

    owing = {part: len(owed_by(run, *part)) for part in parts_of(run)}

    assert owing == {(WHOLE, -1): 0, ("test", -1): 0, ("test", 0): 1, ("test", 1): 1}
    assert part_of(began) == ("test", 1)
