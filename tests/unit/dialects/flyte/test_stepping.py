"""Steps of flyte against one event: flyte itself executed those of the vectors."""

from collections.abc import Mapping
from typing import Any

import pytest

from floe.dialects.flyte.flow import FlyteAction, FlyteEvent, FlytePack, FlyteStep
from floe.dialects.flyte.reading import flow_of
from floe.dialects.flyte.stepping import StepFault, StepTemplates, executed
from floe.expr.pongo2.moments import Moment
from floe.model.ids import Json
from tests.make_flyte import FixedSurroundings
from tests.recorded import cases, document

STEPS = "flyte/vectors/steps.json"
INPUTS = "flyte/vectors/resolve.json"
NOW = Moment(1_641_135_845)


def a_step(shape: Mapping[str, Json]) -> FlyteStep:
    found = flow_of({"name": "f", "steps": [shape]})
    assert found.flow is not None, found.faults
    return found.flow.steps[0]


def a_command_step(**step: Json) -> FlyteStep:
    command: dict[str, Json] = {"name": "C", "packName": "Q", "input": step.pop("input", None)}
    return a_step({"event": {"name": "E", "packName": "P"}, "command": command, **step})


def an_event(shape: Mapping[str, Any]) -> FlyteEvent:
    name = shape.get("event", shape.get("name"))
    pack = FlytePack(**shape["pack"])
    payload = shape.get("payload")
    return FlyteEvent(name=str(name), pack=pack, payload=payload, created_at=NOW, received_at=NOW)


SENDER = {"id": "P", "name": "P", "labels": {}}
EVENT = an_event({"event": "E", "pack": SENDER, "payload": {"n": 5}})


def made_by(step: FlyteStep, event: FlyteEvent = EVENT) -> Any:
    return executed(step, event, {}, FixedSurroundings())


def fault_of(step: FlyteStep) -> StepFault:
    found = made_by(step)
    assert isinstance(found, StepFault)
    return found


@pytest.mark.parametrize("case", cases(STEPS))
def test_a_step_does_what_it_does_in_flyte(case: dict[str, Any]) -> None:
    surroundings = FixedSurroundings(document(STEPS)["datastore"])
    step, event = a_step(case["step"]), an_event(case["event"])

    result = executed(step, event, case["context"], surroundings)

    if case.get("error"):
        assert isinstance(result, StepFault)
    elif case["action"] is None:
        assert result in ("labels", "criteria")
    else:
        assert isinstance(result, FlyteAction)
        assert result == FlyteAction(
            command=case["action"]["command"],
            pack_name=case["action"]["packName"],
            pack_labels=case["action"].get("packLabels", {}),
            context=case["action"]["context"],
            input=case["action"].get("input"),
        )


@pytest.mark.parametrize("case", cases(INPUTS))
def test_an_input_is_rendered_as_in_flyte(case: dict[str, Any]) -> None:
    shared = document(INPUTS)
    shape, items = shared["event"], FixedSurroundings(shared["datastore"])
    awaited: Json = {"name": shape["name"], "packName": shape["pack"]["name"]}
    command: Json = {"name": "C", "packName": "Q", "input": case["input"]}
    step = a_step({"event": awaited, "command": command})

    result = executed(step, an_event(shape), shared["context"], items)

    if case.get("error"):
        assert isinstance(result, StepFault)
    else:
        assert isinstance(result, FlyteAction)
        assert result.input == case["value"]


def test_an_event_for_which_the_step_does_not_wait_makes_nothing() -> None:
    for name, pack in (("E", "Other"), ("Other", "P")):
        named: dict[str, Json] = {"name": name, "packName": pack}
        assert made_by(a_step({"event": named, "command": named})) == "event"


def test_a_fault_names_the_template_and_the_place_in_it() -> None:
    fault = fault_of(a_command_step(input={"a": ["", "b {{ x|nofilter }}"]}))

    assert fault.place == ("command", "input", "a", 1)
    assert fault.offset == 7
    assert str(fault) == "command.input.a[1], character 8: there is no filter `nofilter`"


def test_criteria_that_are_neither_true_nor_false_are_a_fault() -> None:
    fault = fault_of(a_command_step(criteria="yes"))

    assert fault.place == ("criteria",)


def test_a_fault_never_has_a_value_in_it() -> None:
    secret = an_event({"event": "E", "pack": SENDER, "payload": "hunter2"})
    for criteria in ("{{ Event.Payload }}", "{{ Event.Payload.x }}", "{{ Event.Payload|key:'a' }}"):
        assert "hunter2" not in str(made_by(a_command_step(criteria=criteria), secret))


def test_the_contexts_of_a_step_do_not_see_one_another() -> None:
    step = a_command_step(context={"a": "x", "b": "{{ Context.a }}"}, input="{{ Context.a }}")

    assert made_by(step).context == {"a": "x", "b": ""}
    assert made_by(step).input == "x"


def test_an_action_has_at_most_1_mib_of_text() -> None:
    step = a_command_step(input=["{{ 'a'|ljust:400000 }}"] * 3)

    assert "1 MiB" in fault_of(step).what


def test_a_step_has_bounded_steps_together() -> None:
    loop = "{% for a in 'aaaaaaaaaa' %}" * 4 + "{% endfor %}" * 4

    assert "too many steps" in fault_of(a_command_step(input=[loop] * 100)).what


def test_an_input_has_a_bounded_depth() -> None:
    value: Json = "x"
    for _ in range(200):
        value = [value]

    assert "levels" in fault_of(a_command_step(input=value)).what


def test_numbers_are_those_of_go() -> None:
    step = a_command_step(input=[1, 2.0, 1.5, 2**53 + 1, 1e21, -0.0])

    assert str(made_by(step).input) == "[1, 2, 1.5, 9007199254740992, 1e+21, 0]"


def test_templates_are_read_once() -> None:
    templates, step = StepTemplates(), a_command_step(input="{{ Event.Name }}{{ 1|nofilter }}")

    first = executed(step, EVENT, {}, FixedSurroundings(), templates)

    assert executed(step, EVENT, {}, FixedSurroundings(), templates) == first
