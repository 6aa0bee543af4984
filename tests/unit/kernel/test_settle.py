"""The bound on attempts that were lost, and the outcome of work without an exit status."""

from floe.kernel.settle import LOST_RETRIES_MAX
from floe.model.flow import Retry
from floe.model.ids import NodeId
from floe.model.outcome import Outcome
from floe.model.run import Run
from floe.model.signal import Answered, Failed, Reported, TimerFired
from tests.make import NOW, a_flow, a_node, a_run, after, the_key


def lost(run: Run) -> Run:
    report = Failed(cause="lost", why="the warden was killed")
    return after(run, Reported(key=the_key(run, "build"), report=report, at=NOW))


def due(run: Run) -> Run:
    return after(run, TimerFired(key=the_key(run, "build"), kind="retry"))


def test_lost_attempts_are_repeated_so_many_times_and_no_more() -> None:
    run = a_run(a_flow(a_node("build", on_lost="retry")))
    for _ in range(LOST_RETRIES_MAX):
        run = due(lost(run))

    run = lost(run)

    assert run.phase == "ended"
    assert run.nodes[NodeId("build")].attempt == LOST_RETRIES_MAX + 1


def test_attempts_beyond_the_bound_count_against_retry_max() -> None:
    run = a_run(a_flow(a_node("build", on_lost="retry", retry=Retry(max=1))))
    for _ in range(LOST_RETRIES_MAX + 1):
        run = due(lost(run))

    run = lost(run)

    assert (run.phase, run.nodes[NodeId("build")].tries) == ("ended", 1)


def test_answer_that_is_not_good_is_bad_with_its_reason_and_outputs() -> None:
    run = a_run(a_flow(a_node("build"), a_node("next", on="task.build.bad")))
    answered = Answered(good=False, why="answered 503", outputs={"status": 503})

    run = after(run, Reported(key=the_key(run, "build"), report=answered, at=NOW))

    state = run.nodes[NodeId("build")]
    assert state.outcome == Outcome(result="bad", why="answered 503")
    assert state.outputs == {"status": 503}


def test_good_answer_is_good() -> None:
    run = a_run(a_flow(a_node("build")))

    answered = Answered(good=True, outputs={"status": 200})
    run = after(run, Reported(key=the_key(run, "build"), report=answered, at=NOW))

    assert run.nodes[NodeId("build")].outcome == Outcome(result="good")
