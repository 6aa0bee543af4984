"""A template becomes a judged flow that holds all of it."""

from typing import Any, Final

import pytest

from floe.dialects.utask.compiled import (
    compiled,
    flow_id_of,
    functions_of,
    label_of_state,
    state_of_label,
    template_of,
)
from floe.dialects.utask.document import UtaskFunction
from floe.dialects.utask.stored import stored_function, stored_template
from floe.kernel.graph import graph_of
from floe.model.codec import decode, digest_of, encode
from floe.model.flow import Flow
from tests import recorded, utask_host

LOAD: Final = "utask/vectors/load.json"

ECHO: Final = "{description: d, action: {type: echo, configuration: {}}"


def flow_of(text: str, functions: dict[str, str] | None = None) -> Flow:
    """The flow of a template with these steps, or of a whole template."""
    if "title_format" not in text:
        text = f"name: tpl\ndescription: some text\ntitle_format: title\n{text}"
    known = utask_host.functions_of(functions or {})
    loaded = utask_host.load(text, known)
    assert loaded.template is not None, loaded.findings
    return compiled(loaded.template, known)


@pytest.mark.parametrize("case", recorded.cases(LOAD))
def test_flow_holds_the_template(case: dict[str, Any]) -> None:
    documents = recorded.document(LOAD)["functions"] if case.get("functions") else {}
    functions = utask_host.functions_of(documents)
    template = utask_host.load(case["template"], functions).template
    if template is None:
        return

    flow = compiled(template, functions)

    assert stored_template(template_of(flow)) == stored_template(template)
    assert decode(Flow, encode(flow)) == flow
    assert not graph_of(flow).flaws


def test_flow_holds_the_functions_that_the_template_uses_and_no_other() -> None:
    functions = {
        "a": "name: outer\naction: {type: inner, configuration: {x: a}}",
        "b": "name: inner\naction: {type: echo, configuration: {output: a}}\ncustom_states: [S]",
        "c": "name: unused\naction: {type: echo, configuration: {}}",
    }

    flow = flow_of("steps: {one: {action: {type: outer, configuration: {}}}}", functions)

    known: dict[str, UtaskFunction] = dict(functions_of(flow))
    assert [*known] == ["outer", "inner"]
    assert stored_function(known["inner"])["custom_states"] == ["S"]


def test_digest_names_the_template_and_its_functions() -> None:
    text = "steps: {one: {action: {type: fn, configuration: {}}}}"
    function = "name: fn\naction: {type: echo, configuration: {output: %s}}"

    digests = {digest_of(flow_of(text, {"fn": function % word})) for word in "aab"}

    assert len(digests) == 2


def test_dependency_is_a_clause_that_prunes() -> None:
    flow = flow_of(
        f"steps: {{a: {ECHO}, custom_states: [X, 'a.b']}}, b: {ECHO}, dependencies: ['a:X,a.b']}}}}"
    )

    assert flow.nodes[1].needs == (("task.s0.X", "task.s0.~612e62"),)
    assert flow.nodes[1].prunes == (0,)


def test_any_waits_for_all_ancestors_and_prunes_nothing() -> None:
    flow = flow_of(
        f"steps: {{a: {ECHO}}}, b: {ECHO}, dependencies: [a]}}, "
        f"c: {ECHO}, dependencies: ['b:ANY', 'a:ANY']}}}}"
    )

    assert flow.nodes[2].needs == (("task.s1.final",), ("task.s0.final",))
    assert flow.nodes[2].prunes == ()


@pytest.mark.parametrize("name", ["DONE", "a.b", "final", "", "~", "ü", "HOOKED", "a b"])
def test_state_of_any_name_has_a_label(name: str) -> None:
    label = label_of_state(name)

    assert state_of_label(label) == name
    assert "." not in label
    assert label != "final"


@pytest.mark.parametrize("name", ["hello-world", "a b", "ü" * 100, "x" * 200])
def test_template_of_any_name_has_a_flow_id(name: str) -> None:
    assert len(flow_id_of(name)) < 64
    assert flow_id_of(name) != flow_id_of(name + "x")


@pytest.mark.parametrize(
    ("written", "limit"), [("", 100), ("retry_max: 3\n", 3), ("retry_max: 0\n", 1)]
)
def test_retry_max_limits_the_passes(written: str, limit: int) -> None:
    flow = flow_of(f"{written}steps: {{}}")

    assert flow.states is not None
    assert flow.states.passes_max == limit
    assert template_of(flow).retry_max == (None if not written else int(written.split()[1]))


def test_value_of_a_variable_stays_also_where_it_is_empty() -> None:
    flow = flow_of("steps: {}\nvariables: [{name: a, value: ''}, {name: b, value: 0}]")

    assert [one.value for one in template_of(flow).variables] == ["", 0]
