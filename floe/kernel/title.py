"""Texts of a flow with values of a run in them: the title of `run-name`, and the text of a form.

Source: docs/flows.md, "Templates".
"""

from dataclasses import replace
from typing import Final

from floe.expr.template import UNKNOWN, filled, paths_of
from floe.kernel.named_values import named_value
from floe.model.flow import Ask, Flow
from floe.model.ids import Json, NodeId
from floe.model.run import Run
from floe.model.secret import HIDDEN, names_secret, without_password, without_secrets
from floe.model.template import Path, Template, plain_template
from floe.model.title import one_line

TEXT_MAX: Final = 8192
"""Characters of the text of a form."""


def title_of(run: Run, flow: Flow) -> str:
    """What `run-name` comes to now, values that are not known yet as `…`; empty without one."""
    template = flow.run_name
    if template is None:
        return ""
    text = one_line(filled(template, lambda path: _shown_value(run, flow, path)))
    return "" if text.strip(f" {UNKNOWN}") == "" else text


def asked(run: Run, flow: Flow, work: Ask) -> Ask:
    """The form of a task with the values of now in its text."""
    if work.form.text is None:
        return work
    return replace(work, form=replace(work.form, text=text_of(run, flow, work.form.text)))


def text_of(run: Run, flow: Flow, template: Template) -> Template:
    """The text of a form with the values of now, at most `TEXT_MAX` characters."""
    text = filled(template, lambda path: _shown_value(run, flow, path))
    text = without_password(text)
    if len(text) > TEXT_MAX:
        text = text[: TEXT_MAX - 1] + "…"
    return plain_template(text)


def names_node(flow: Flow, node: NodeId) -> bool:
    """Whether `run-name` names a node, so that the title may change when it settles."""
    template = flow.run_name
    return template is not None and any(path[1:2] == (node,) for path in paths_of(template))


def _shown_value(run: Run, flow: Flow, path: Path) -> Json:
    value = named_value(run, flow, path)
    return HIDDEN if names_secret(path) else without_secrets(value)
