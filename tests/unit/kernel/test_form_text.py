"""The text of a form, with values of the run in it."""

from floe.expr.template import template_of, template_parts
from floe.kernel.form_text import TEXT_MAX, text_of
from tests.make import a_flow, a_node, a_run


def test_long_value_in_a_text_is_cut() -> None:
    flow = a_flow(a_node("build"))
    run = a_run(flow, values={"notes": "x" * 2 * TEXT_MAX})

    text = text_of(run, flow, template_of(template_parts("{{ values.notes }}"))).plain

    assert (len(text), text[-1]) == (TEXT_MAX, "…")


def test_expression_shows_no_secret() -> None:
    flow = a_flow(a_node("build"))
    run = a_run(flow, values={"api": {"token": "s3cret", "url": "h"}, "token": "s3cret"})
    template = template_of(
        template_parts("{{ values|json }} {{ values.api|values|join }} {{ values.token ~ 1 }}")
    )

    text = text_of(run, flow, template).plain

    assert text == '{"api":{"token":"***","url":"h"},"token":"***"} ***h ***1'
