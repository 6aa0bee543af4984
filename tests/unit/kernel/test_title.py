"""The title of a run, with values of the run in it."""

from dataclasses import replace

from floe.expr.template import template_of, template_parts
from floe.kernel.title import title_of
from tests.make import a_flow, a_node, a_run, after, exited


def test_expression_is_filled_in_when_its_task_settles() -> None:
    name = template_of(template_parts("{{ (task.build.outputs.url|default('nowhere'))|upper }}"))
    flow = replace(a_flow(a_node("build")), run_name=name)
    run = a_run(flow)

    before = title_of(run, flow)
    built = after(run, exited(run, "build", url="https://h"))

    assert before == "NOWHERE"
    assert built.title == "HTTPS://H"


def test_expression_that_fails_shows_its_error() -> None:
    flow = replace(
        a_flow(a_node("build")), run_name=template_of(template_parts("{{ values.n + 1 }}"))
    )

    assert title_of(a_run(flow, values={"n": "1"}), flow) == (
        "(error: `+` takes two numbers, two texts or two lists, not a text and a number)"
    )
