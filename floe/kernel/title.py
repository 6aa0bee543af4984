"""Texts of a flow with values of a run in them: the title of `run-name`, and the text of a form.

Source: docs/flows.md, "Templates".
"""

from floe.expr.template import UNKNOWN, filled, paths_of
from floe.kernel.named_values import shown_value
from floe.model.flow import Flow
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.title import one_line


def title_of(run: Run, flow: Flow) -> str:
    """What `run-name` comes to now, values that are not known yet as `…`; empty without one."""
    template = flow.run_name
    if template is None:
        return ""
    text = one_line(filled(template, lambda path: shown_value(run, flow, path)))
    return "" if text.strip(f" {UNKNOWN}") == "" else text


def names_node(flow: Flow, node: NodeId) -> bool:
    """Whether `run-name` names a node, so that the title may change when it settles."""
    template = flow.run_name
    return template is not None and any(path[1:2] == (node,) for path in paths_of(template))
