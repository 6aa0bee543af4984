"""The JSON Schema of uTask's documents agrees with what floe reads."""

from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among our tools
import pytest

from floe.dialects.go_scalars import UTASK
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.dialects.utask.schema import json_schema
from floe.model.ids import Json
from tests.recorded import FOLDER, cases, document, files

VECTORS: Final = "utask/vectors/load.json"
UPSTREAM: Final = "utask/vectors/load-upstream.json"
FUNCTIONS: Final = "utask/functions/*.yaml"

STRICTER: Final = {
    "key-case": "a key in capital letters",
    'step-runtime-state-""': "an empty key of a step that has run",
    "step-runtime-output-null": "an empty key of a step that has run",
    "step-runtime-try_count-0": "an empty key of a step that has run",
    "action-echo-6": "an unknown key",
}
"""Templates that load, in which an editor should mark something."""

EXAMPLES: Final = Path(__file__).parents[4] / "configs/examples/utask"

VALIDATOR: Final = jsonschema.Draft202012Validator(json_schema())


def broken(text: str) -> list[str]:
    tree = parse_go_yaml(text, UTASK, Notes(""))
    assert tree is not None
    value: Json = json_value(tree)
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


def test_it_is_a_schema() -> None:
    VALIDATOR.check_schema(json_schema())


def test_no_template_that_loads_breaks_it() -> None:
    loads = [case for case in document(VECTORS)["cases"] if case["error"] is None]
    broken_ones = {case["id"] for case in loads if broken(case["template"])}

    assert broken_ones == {*STRICTER}
    assert len(loads) > 100


@pytest.mark.parametrize("name", ["templates/greeting.yaml", "functions/say.yaml"])
def test_the_examples_fit_it(name: str) -> None:
    assert broken((EXAMPLES / name).read_text()) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{name: abc, description: abc}", "$"),
        ("{name: abc, description: abc, title_format: abc, stepz: {}}", "$"),
        (
            "{name: abc, description: abc, title_format: abc, steps: {a: {}}}",
            "$.steps.a",
        ),
        (
            "{name: abc, description: abc, title_format: abc,"
            " steps: {a: {action: {type: http, configuration: {method: GET, timeout: 5}}}}}",
            "$.steps.a.action.configuration.timeout",
        ),
        (
            "{name: abc, description: abc, title_format: abc, inputs: [{name: a, type: text}]}",
            "$.inputs[0].type",
        ),
        ("{name: say, action: {configuration: {}}}", "$.action"),
    ],
)
def test_a_mistake_is_found_at_its_place(text: str, path: str) -> None:
    assert [one.split(":")[0] for one in broken(text)] == [path]


if document(UPSTREAM):  # floe has no copies of uTask's files

    @pytest.mark.parametrize("case", cases(UPSTREAM))
    def test_templates_of_utasks_own_tests_fit_it_but_for_unknown_keys(
        case: dict[str, Any],
    ) -> None:
        text = (FOLDER / "utask/templates" / case["file"]).read_text("utf-8")

        unknown = "Additional properties are not allowed"
        found = [one for one in broken(text.replace("\t", "  ")) if unknown not in one]
        assert found == [] or case["error"]

    @pytest.mark.parametrize("path", files(FUNCTIONS))
    def test_functions_of_utasks_own_tests_fit_it(path: Path) -> None:
        assert broken(path.read_text("utf-8")) == []
