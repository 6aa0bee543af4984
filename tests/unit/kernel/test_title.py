"""Texts of a flow with values of a run in them."""

from floe.expr.template import read, template_of
from floe.kernel.title import TEXT_MAX, text_of
from tests.make import a_flow, a_node, a_run


def test_long_value_in_a_text_is_cut() -> None:
    flow = a_flow(a_node("build"))
    run = a_run(flow, values={"notes": "x" * 2 * TEXT_MAX})

    text = text_of(run, flow, template_of(read("{{ values.notes }}"))).plain

    assert (len(text), text[-1]) == (TEXT_MAX, "…")
