"""What a run is after one more fact, beyond what the scenarios tell."""

import pytest

from floe.kernel.evolve import evolve, fold
from floe.model.event import RunPended
from floe.model.flow import Retry
from floe.model.ids import Instant, NodeId
from floe.model.signal import Cancel, TimerFired
from tests.make import (
    NOW,
    REF,
    a_flow,
    a_node,
    a_pended,
    a_run,
    after,
    decided,
    exited,
    started,
    the_key,
)


def test_each_event_is_one_more() -> None:
    run = a_run()
    events = decided(run, Cancel(by="alice"), NOW).events

    evolved = after(run, Cancel(by="alice"))

    assert evolved.seq == run.seq + len(events)


def test_run_before_an_event_stays_as_it_was() -> None:
    run = a_run()
    seq, nodes, standing = run.seq, dict(run.nodes), dict(run.standing)

    after(run, started(run, "build"), exited(run, "build"))

    assert (run.seq, run.nodes, run.standing) == (seq, nodes, standing)


def test_flow_stays_attached() -> None:
    flow = a_flow()

    assert after(a_run(flow), Cancel(by="alice")).flow is flow


def test_attempts_keep_when_they_ran_and_what_they_came_to() -> None:
    flow = a_flow(a_node("build"), a_node("mail", on="task.build.bad"))
    run = after(a_run(flow), started(a_run(flow), "build", at=Instant(NOW + 5)))

    run = after(run, exited(run, "build", 2, at=Instant(NOW + 9)))

    (attempt,) = run.nodes[flow.nodes[0].id].attempts
    assert (attempt.attempt, attempt.outcome.status) == (1, 2)
    assert (attempt.started_at, attempt.ended_at) == (NOW + 5, NOW + 9)


def test_next_attempt_has_not_started_when_the_last_did() -> None:
    run = a_run(a_flow(a_node("build", retry=Retry(max=2))))
    run = after(run, started(run, "build"), exited(run, "build", 1))
    run = after(run, TimerFired(key=the_key(run, "build"), kind="retry"))

    run = after(run, exited(run, "build", 1))

    first, second = run.nodes[NodeId("build")].attempts
    assert (first.started_at, second.started_at) == (NOW, None)


def test_log_begins_with_a_pend() -> None:
    with pytest.raises(AssertionError, match="begins"):
        evolve(None, decided(a_run(), Cancel(by="alice"), NOW).events[0], ref=REF)


def test_pend_needs_the_name_of_its_run() -> None:
    with pytest.raises(AssertionError, match="name"):
        evolve(None, a_pended(a_flow()))


def test_run_is_pended_once() -> None:
    pended: RunPended = a_pended(a_flow())

    with pytest.raises(AssertionError, match="once"):
        fold(REF, [pended, pended])


def test_empty_log_is_no_run() -> None:
    with pytest.raises(AssertionError, match="at least"):
        fold(REF, [])
