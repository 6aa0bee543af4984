"""Mistakes of a template are found all at once, each with its position and a way out."""

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.dialects.utask.stored import stored_template
from tests.utask_host import functions_of, load

HEAD = "name: tpl\ndescription: some text\ntitle_format: title\n"
ECHO = "action: {type: echo, configuration: {output: {a: b}}}"


def found(text: str) -> list[tuple[int, int, str]]:
    return [(one.line, one.col, one.what) for one in load(text).findings]


def test_all_mistakes_are_found_at_once() -> None:
    text = f"""name: t
description: some text
inputs: [{{name: a, type: integer}}]
steps:
  one:
    {ECHO}
    retry_pattern: day
    dependencies: [nope, "two:SOON"]
  two:
    action: {{type: htpp}}
    conditions: [{{type: when, then: {{three: DONE}}}}]
"""

    assert found(text) == [
        (1, 1, "template name can't be shorter than 3 characters"),
        (1, 1, "template title format can't be shorter than 3 characters"),
        (3, 20, "Invalid input type 'integer': must be either [string password bool number]"),
        (7, 5, 'Invalid step one: retry_pattern "day" is not a valid value'),
        (8, 20, 'Invalid step one: Invalid dependency, no step with that name: "nope"'),
        (8, 26, 'Invalid step one: Invalid dependency on step two, step state not allowed: "SOON"'),
        (10, 14, "Invalid step two: Invalid executor action: No runner for type 'htpp'"),
        (11, 18, "Invalid step two: Unknown condition type: when"),
        (11, 38, "Invalid step two: Step condition points to non-existing step: three"),
    ]


def test_name_that_was_meant_is_named() -> None:
    text = HEAD + f"steps:\n  one:\n    {ECHO}\n  two:\n    {ECHO}\n    dependencies: [onne]\n"

    assert [one.hint for one in load(text).findings] == ["did you mean `one`?"]


def test_wrong_type_is_named_with_both() -> None:
    assert found(HEAD + "retry_max: many\nblocked: 1\ninputs: {a: b}\nsteps: []\n") == [
        (4, 12, "`retry_max` of the template is a whole number, not a text"),
        (5, 10, "`blocked` of the template is a bool, not a number"),
        (6, 9, "`inputs` of the template is a list, not a map"),
        (7, 8, "`steps` of the template is a map, not a list"),
    ]


def test_configuration_is_never_converted_to_text() -> None:
    step = "steps: {one: {action: {type: http, configuration: {url: u, method: GET, timeout: 5}}}}"

    [finding] = load(HEAD + step).findings

    assert finding.hint == "write it in quotes"
    assert finding.what.endswith("`timeout` of the configuration of http is a text, not a number")


def test_mistake_of_a_function_is_found_where_a_step_uses_it() -> None:
    functions = functions_of({"f.yaml": "name: f\naction: {type: nope, configuration: {}}\n"})
    text = HEAD + "steps:\n  one:\n    action: {type: f, configuration: {}}\n"

    [finding] = load(text, functions).findings

    assert (finding.line, finding.what) == (
        6,
        "Invalid step one: Invalid executor action: function \"f\": No runner for type 'nope'",
    )


def test_functions_in_a_circle_are_refused_where_they_are_used() -> None:
    functions = functions_of(
        {
            "f.yaml": "name: f\naction: {type: g, configuration: {}}\n",
            "g.yaml": "name: g\naction: {type: f, configuration: {}}\n",
        }
    )
    text = HEAD + "steps:\n  one:\n    action: {type: f, configuration: {}}\n"

    assert "invalid cyclic import" in load(text, functions).findings[0].what


def test_default_of_a_collection_is_a_list() -> None:
    text = HEAD + "inputs: [{name: a, collection: true, default: [p, q]}]\nsteps: {}\n"

    assert found(text) == []


def test_long_chain_of_steps_is_checked_in_a_moment() -> None:
    steps = "".join(
        f"  s{at}:\n    {ECHO}\n    dependencies: [s{at - 1}]\n" for at in range(1, 3000)
    )

    assert found(HEAD + f"steps:\n  s0:\n    {ECHO}\n{steps}") == []


def test_circle_names_its_steps_only() -> None:
    text = HEAD + (
        f"steps:\n  a:\n    {ECHO}\n    dependencies: [b]\n"
        f"  b:\n    {ECHO}\n    dependencies: [a]\n"
        f"  c:\n    {ECHO}\n    dependencies: [a]\n"
    )

    assert [what for _, _, what in found(text)] == [
        "Invalid step a: Invalid: circular dependency [a b] <-> a",
        "Invalid step b: Invalid: circular dependency [a b] <-> b",
    ]


@pytest.mark.parametrize("text", ["[]", "5", "a: b: c", "&a [*a]", "\0"])
def test_document_that_is_no_map_is_refused(text: str) -> None:
    assert load(text).template is None


KEYS = st.sampled_from(
    [
        *("name", "description", "title_format", "inputs", "variables", "steps", "tags", "action"),
        *("type", "configuration", "output", "strategy", "conditions", "if", "then", "operator"),
        *("dependencies", "custom_states", "foreach", "json_schema", "pre_hook", "one", "this"),
        *("properties", "$ref", "default", "regex", "legal_values", "base_configurations", "auth"),
        *(
            "retry_max",
            "execution_delay",
            "value",
            "expected",
            "url",
            "method",
            "headers",
            "$schema",
        ),
    ]
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(
            ["", "echo", "http", "script", "one", "one:ANY", "{{.step.one.output.a}}", "(", "#/a"]
        ),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8), VALUES)
def test_any_document_is_read_or_refused(document: dict[str, object], step: object) -> None:
    with contextlib.suppress(yaml.YAMLError):
        text = yaml.safe_dump({**document, "steps": {"one": step, "two": document}})
        loaded = load(text)
        assert (loaded.template is None) == any(
            finding.level == "error" for finding in loaded.findings
        )
        if loaded.template is not None:
            stored_template(loaded.template)
