"""The text of a form, with values of the run in it.

Source: docs/flows.md, "Templates".
"""

from dataclasses import replace
from typing import Final

from floe.expr.template import filled
from floe.kernel.named_values import shown_value
from floe.model.flow import Flow
from floe.model.run import Run
from floe.model.secret import without_password
from floe.model.template import Template, plain_template
from floe.model.work import Ask

TEXT_MAX: Final = 8192
"""Characters of the text of a form."""


def asked(run: Run, flow: Flow, work: Ask) -> Ask:
    """The form of a task as it is opened: with the values of now in its text."""
    if work.form.text is None:
        return work
    return replace(work, form=replace(work.form, text=text_of(run, flow, work.form.text)))


def text_of(run: Run, flow: Flow, template: Template) -> Template:
    """The text of a form with the values of now, at most `TEXT_MAX` characters."""
    text = filled(template, lambda path: shown_value(run, flow, path))
    text = without_password(text)
    if len(text) > TEXT_MAX:
        text = text[: TEXT_MAX - 1] + "…"
    return plain_template(text)
