"""What the reasons of a judged run call its steps."""

from dataclasses import replace as with_fields

from floe.kernel.why import why
from floe.model.flow import Flow
from floe.model.judging import Judged, Verdict
from floe.model.run import Run
from tests.make import after
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run


def named_flow(line: str) -> Flow:
    """A flow whose step has a name of its own."""
    flow = toy_flow("toy", [line])
    return with_fields(flow, nodes=(with_fields(flow.nodes[0], name="My step"),))


def judged(run: Run, verdict: Verdict) -> Run:
    assert run.passes is not None
    return after(run, Judged(epoch=run.epoch, seq=run.passes.base, verdicts=(verdict,)))


def test_step_has_the_name_that_its_author_gave_it() -> None:
    run = judged(a_judged_run(named_flow("  a")), Verdict(state="CLIENT_ERROR", why="no"))

    assert "(step My step is CLIENT_ERROR: no)" in why(run).text


def test_item_of_a_step_has_the_name_and_its_place() -> None:
    run = judged(a_judged_run(named_flow("  a | items=2")), Verdict(items=("x", "y")))
    assert run.passes is not None
    verdicts = (Verdict(state="CLIENT_ERROR"), Verdict(state="DONE"))

    run = after(run, Judged(epoch=run.epoch, seq=run.passes.base, verdicts=verdicts))

    assert "step My step[0] is CLIENT_ERROR" in why(run).text
