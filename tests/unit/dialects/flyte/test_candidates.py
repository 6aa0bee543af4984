"""Which steps of flyte flows an event concerns."""

import pytest

from floe.dialects.flyte.candidates import begins, candidates
from floe.dialects.flyte.flow import (
    AwaitedEvent,
    FlyteCommand,
    FlyteEvent,
    FlyteFlow,
    FlytePack,
    FlyteStep,
)
from floe.expr.pongo2.moments import Moment

NOW = Moment(0)


def a_step(id: str = "", event: str = "E", depends_on: tuple[str, ...] = ()) -> FlyteStep:
    return FlyteStep(
        id=id,
        depends_on=depends_on,
        event=AwaitedEvent(name=event, pack_name="P", pack_labels={"never": "looked at"}),
        command=FlyteCommand(name="C", pack_name="Q"),
        criteria="never looked at",
    )


def an_event(name: str = "E", pack: str = "P") -> FlyteEvent:
    sender = FlytePack(id=f"{pack}.a.b", name=pack)
    return FlyteEvent(name=name, pack=sender, created_at=NOW, received_at=NOW)


def flow(*steps: FlyteStep) -> FlyteFlow:
    return FlyteFlow(name="f", steps=steps)


def test_a_fresh_event_begins_a_flow_with_a_step_that_depends_on_nothing() -> None:
    assert begins(flow(a_step("a", "Other"), a_step("b")), an_event())
    assert not begins(flow(a_step("a", depends_on=("b",))), an_event())
    assert not begins(flow(a_step("a")), an_event(name="e"))
    assert not begins(flow(a_step("a")), an_event(pack="P.a.b"))
    assert not begins(flow(), an_event())


def test_all_steps_that_wait_for_an_event_are_candidates_in_order() -> None:
    steps = (a_step("b"), a_step("c", "Other"), a_step("a"))

    assert candidates(flow(*steps), an_event(), {}) == (steps[0], steps[2])


@pytest.mark.parametrize(
    ("finished", "is_candidate"),
    [
        ({}, False),
        ({"p1": False}, False),
        ({"p1": True}, True),
        ({"p1": False, "p2": True}, True),
        ({"p1": True, "s": False}, False),
        ({"s": True, "p1": True}, False),
        ({"grandparent": True}, False),
    ],
)
def test_one_finished_step_of_those_depended_on_suffices(
    finished: dict[str, bool], is_candidate: bool
) -> None:
    step = a_step("s", depends_on=("p1", "p2"))

    assert candidates(flow(step), an_event(), finished) == ((step,) if is_candidate else ())


def test_a_step_that_depends_on_itself_is_never_a_candidate() -> None:
    assert candidates(flow(a_step("s", depends_on=("s",))), an_event(), {"s": True}) == ()


def test_a_trigger_step_is_also_a_candidate_inside_a_correlation() -> None:
    assert candidates(flow(a_step("t")), an_event(), {"other": False}) == (a_step("t"),)


def test_steps_without_an_id_are_one_in_a_correlation() -> None:
    both = flow(a_step(), a_step())

    assert len(candidates(both, an_event(), {})) == 2
    assert candidates(both, an_event(), {"": False}) == ()
