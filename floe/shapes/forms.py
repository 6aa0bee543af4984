"""Forms as JSON: a form and its fields, the open forms of a run, and the values to decide by."""

from collections.abc import Mapping
from typing import Final

from floe.model.codec import iso, to_text
from floe.model.form import Form
from floe.model.ids import NodeId, Shape
from floe.model.run import NodeState, Run
from floe.model.secret import is_secret_name
from floe.model.title import one_line
from floe.model.work import Ask

BEFORE_MAX: Final = 4
"""Nodes before a form whose output is named."""

VALUES_MAX: Final = 12
"""Values of a run that are shown beside one of its forms."""


def form_shape(form: Form) -> Shape:
    """A form and its fields."""
    return {
        "title": form.title,
        "text": form.text.plain if form.text else "",
        "approvers": form.approvers,
        "fields": [
            {
                "id": f.id,
                "prompt": f.prompt,
                "type": f.type,
                "value": f.value,
                "required": f.required,
                "choices": list(f.choices),
                "pattern": f.pattern,
                "password": f.password,
            }
            for f in form.fields
        ],
    }


def open_forms(run: Run) -> list[Shape]:
    """The forms of a run that wait for an answer."""
    asking = [(id, run.nodes[id]) for id in run.nodes if id in run.open]
    return [
        {
            "node": id,
            "visit": state.visit,
            **form_shape(state.work.form),
            "asked_at": iso(state.asked_at),
            "before": printed_before(run, state),
        }
        for id, state in asking
        if state.phase == "asking" and isinstance(state.work, Ask)
    ]


def printed_before(run: Run, state: NodeState) -> list[Shape]:
    """The nearest nodes before a form that printed something."""
    found: dict[NodeId, None] = {}
    seen = list(state.sources)
    for node in seen:  # grows by the nodes before those that printed nothing
        if run.settled(node).output_bytes:
            found[node] = None
        else:
            seen += [one for one in run.settled(node).sources if one not in seen]
    names = {node.id: node.name for node in run.flow.nodes} if run.flow else {}
    return [{"id": node, "name": names.get(node, node)} for node in [*found][:BEFORE_MAX]]


def about(run: Run) -> list[Shape]:
    """Beside a form: the first values of its run as short texts, none that may be a secret.

    Those of a judged run that a person gave are in its value `input`.
    """
    found: list[Shape] = []
    given = run.values.get("input") if run.passes is not None else None
    for name, value in (given if isinstance(given, Mapping) else run.values).items():
        text = one_line(value if isinstance(value, str) else to_text(value))
        if text and not is_secret_name(name):
            found.append({"name": name, "text": text})
        if len(found) == VALUES_MAX:
            break
    return found
