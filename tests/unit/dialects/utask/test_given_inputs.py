"""Values for the inputs of a template are taken, or refused, as the real uTask did it."""

import re
from typing import Any, Final

import pytest

from floe.dialects.utask.given_inputs import check_given, filled
from floe.dialects.utask.texts import exact, renderer
from tests import recorded
from tests.go_templates import StillWorld
from tests.utask_host import load

INPUTS: Final = "utask/vectors/inputs.json"


def written_out(value: Any) -> Any:
    """A value of the vectors, in which `<x*5>` stands for five letters."""
    if isinstance(value, dict):
        return {key: written_out(one) for key, one in value.items()}
    found = re.fullmatch(r"<x\*(\d+)>", value) if isinstance(value, str) else None
    return "x" * int(found[1]) if found else value


@pytest.mark.parametrize("case", recorded.cases(INPUTS))
def test_input_is_taken_as_in_utask(case: dict[str, Any]) -> None:
    template = load(recorded.document(INPUTS)["template"]).template
    assert template

    given = check_given(template.inputs, written_out(case["input"]))

    assert (given.faults == ()) == (case["status"] == 201)
    if not given.faults:
        assert given.values == written_out(case["stored"])


@pytest.mark.parametrize("case", recorded.cases(INPUTS))
def test_title_is_rendered_as_in_utask(case: dict[str, Any]) -> None:
    template = load(recorded.document(INPUTS)["template"]).template
    assert template
    render = renderer(exact({"input": written_out(case["input"])}), StillWorld())

    title = render(template.title_format)

    assert title.startswith(case.get("title", "").removesuffix("…"))


def test_defaults_fill_only_what_is_absent() -> None:
    template = load(
        "name: tpl\ndescription: some text\ntitle_format: title\n"
        "inputs: [{name: a, default: one}, {name: b, default: two}, {name: c, optional: true}]\n"
    ).template
    assert template

    assert filled(template.inputs, {"a": ""}) == {"a": "", "b": "two"}
