"""What a flow task gives its child run: values as written, and texts with values of the run."""

import pytest

from floe.dialects.registry import dialect
from floe.model.children import ChildValue, SubFlow
from floe.model.flow import Node
from floe.model.template import Template, TemplatePart

ITEM = Template(parts=(TemplatePart(path=("item",)),))


def errors(opts: str) -> list[str]:
    """What is wrong with a flow task with items."""
    return [f"{one.what}; {one.hint}" for one in dialect().flows(written(opts), "a.yml").errors]


def written(opts: str) -> str:
    return f"""
name: release
triggers: [{{name: start, type: data}}]
tasks:
  - {{name: go, type: flow, listen: trigger.good, foreach: [h1, h2], opts: {opts}}}
"""


def the_node(opts: str) -> Node:
    compiled = dialect().flows(written(opts), "a.yml")
    assert not compiled.errors
    return compiled.flows[0].nodes[0]


def test_values_and_host_can_be_of_the_run() -> None:
    values = "{n: 1, at: '{{ item }}', l: [a], t: '{{.N}}'}"

    node = the_node("{flow: deploy, host: '{{ item }}', values: " + values + "}")

    assert node.work == SubFlow(
        flow="deploy",
        values={"n": 1, "l": ("a",), "t": "{{.N}}"},
        texts=(ChildValue(name="at", template=ITEM),),
        host=ITEM,
    )
    assert node.is_filled


def test_flow_task_with_values_as_written_has_nothing_to_fill_in() -> None:
    assert not the_node("{flow: deploy, values: {n: 1, text: x}}").is_filled


@pytest.mark.parametrize("nested", ["['{{ item }}']", "{a: ['{{ item }}']}"])
def test_list_or_map_with_a_value_of_the_run_is_an_error(nested: str) -> None:
    assert errors(f"{{flow: deploy, values: {{a: {nested}}}}}") == [
        "a list or a map in `values` takes no values from the run; "
        "write it as one expression: '{{ [values.a, item] }}'"
    ]


def test_list_may_have_the_braces_of_other_tools() -> None:
    node = the_node("{flow: deploy, values: {a: ['{{.Names}}', x]}}")

    assert isinstance(node.work, SubFlow)
    assert node.work.values == {"a": ("{{.Names}}", "x")}


def test_name_that_no_run_gives_is_an_error() -> None:
    (error,) = errors("{flow: deploy, values: {a: '{{ task.build.outputs.url }}'}}")

    assert error.startswith("the flow has no task `build`")
