"""Which runs an event opens, and which steps follow a finished action."""

from typing import Any

from floe.dialects.flyte.evaluator import EVALUATOR
from floe.model.call import OutsideWork
from floe.model.ids import NodeId
from tests.unit.dialects.flyte.runs import Correlation, a_flow_of, a_step, an_event

ECHO = "{{ Context.who }}/{{ Event.Payload }}"


def config(at: Correlation, node: str) -> Any:
    work = at.run.nodes[NodeId(node)].work
    assert isinstance(work, OutsideWork)
    return work.config


def test_event_opens_a_run_with_the_actions_of_its_steps() -> None:
    steps = (a_step("a", input="{{ Event.Name }}"), a_step("b", event="F"), a_step("c"))
    at = Correlation(a_flow_of(*steps), an_event())

    assert (at.states(), config(at, "s0"), at.run.phase) == (
        ["s0 entered", "s2 entered"],
        {"input": "E"},
        "active",
    )


def test_event_without_an_action_opens_nothing() -> None:
    steps = (
        a_step("a", criteria="false"),
        a_step("b", ["a"]),
        a_step("c", wants={"packLabels": {"x": "y"}}),
    )

    assert EVALUATOR.open(an_event(), a_flow_of(*steps), None).openings == ()


def test_wrong_template_is_a_finding_and_stops_no_other_step() -> None:
    steps = (a_step("a", input="x{"), a_step("b"))
    at = Correlation(a_flow_of(*steps), an_event())

    assert at.states() == ["s1 entered"]
    assert at.opened.findings[0].startswith("step a: command.input, character 2: ")


def test_result_fires_the_steps_that_depend_on_its_action() -> None:
    steps = (
        a_step("a", context={"who": "{{ Event.Payload }}"}),
        a_step("b", ["a"], event="Done", pack="Q", input=ECHO),
        a_step("c", ["b"], event="Done", pack="Q"),
    )
    at = Correlation(a_flow_of(*steps), an_event(payload="ann"))
    at.complete("s0", an_event("Done", "ok", "Q"))

    assert at.states() == ["s0 settled SUCCESS", "s1 entered"]
    assert config(at, "s1") == {"input": "ann/ok", "context": {"who": "ann"}, "after": "s0"}


def test_run_is_over_when_no_action_is_open() -> None:
    at = Correlation(a_flow_of(a_step("a"), a_step("b", ["a"], event="X", pack="Q")), an_event())
    at.complete("s0", an_event("Done", pack="Q"))

    assert (at.run.phase, at.run.result) == ("ended", "good")


def test_fatal_result_ends_a_run_badly_and_meets_depends_on() -> None:
    steps = (a_step("a"), a_step("b", ["a"], event="FATAL", pack="Q"))
    at = Correlation(a_flow_of(*steps), an_event())
    at.complete("s0", an_event("FATAL", pack="Q"))
    before = at.states()
    at.complete("s1", an_event("Done", pack="Q"))

    assert before == ["s0 settled FATAL", "s1 entered"]
    assert (at.run.phase, at.run.result) == ("ended", "bad")


def test_step_fires_once_although_two_results_at_once_would_fire_it() -> None:
    join = a_step("c", ["a", "b"], event="Done", pack="Q")
    at = Correlation(a_flow_of(a_step("a"), a_step("b"), join), an_event())
    for node in ("s0", "s1"):
        at.take(node)
        at.answer(node, an_event("Done", pack="Q"))
    at.judge()

    assert at.states() == ["s0 settled SUCCESS", "s1 settled SUCCESS", "s2 entered"]
    assert config(at, "s2")["after"] == "s0"
    assert at.run.passes is not None
    assert at.run.passes.notes == ()


def test_steps_without_id_fire_at_one_event_and_at_no_later_one() -> None:
    steps = (a_step(), a_step(), a_step(event="Done", pack="Q"))
    at = Correlation(a_flow_of(*steps), an_event())
    at.complete("s0", an_event("Done", pack="Q"))

    assert at.states() == ["s0 settled SUCCESS", "s1 entered"]


def test_wrong_template_after_a_result_is_a_finding_of_the_run() -> None:
    steps = (a_step("a"), a_step("b", ["a"], event="Done", pack="Q", input="x{"))
    at = Correlation(a_flow_of(*steps), an_event())
    at.complete("s0", an_event("Done", pack="Q"))

    assert at.run.passes is not None
    [note] = at.run.passes.notes
    assert (note.kind, note.key) == ("finding", "step b")


def test_result_is_kept_once() -> None:
    at = Correlation(a_flow_of(a_step("a")), an_event())
    result = an_event("Done", {"x": [1]}, "Q")
    at.complete("s0", result)

    assert at.run.nodes[NodeId("s0")].outputs == result


def test_templates_read_the_items_of_the_datastore() -> None:
    around = {"teams": ["application/json", "eyJhIjogeyJiIjogInQifX0="]}
    at = Correlation(
        a_flow_of(a_step("a", input="{{ datastore('teams').a.b }}")), an_event(), around
    )

    assert config(at, "s0") == {"input": "t"}
