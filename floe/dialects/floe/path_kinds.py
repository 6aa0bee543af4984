"""The types of the values that a template may name, as far as a document shows them."""

from typing import Final

from floe.expr.paths import HOSTS
from floe.expr.values import Kind
from floe.model.callback import Callback
from floe.model.flow import Flow
from floe.model.form import Form
from floe.model.template import Path
from floe.model.work import Ask

_FIELDS: Final[dict[str, Kind]] = {"bool": "bool", "number": "number", "list": "list"}
"""Fields of all other types are texts."""


def kind_of_path(flow: Flow, path: Path) -> Kind | None:
    """The type of a value; None if it is not known. A value that is not given may be null."""
    match path:
        case ("values", str(name)):
            return _kind_of_value(flow, name)
        case ("task" | "merge", str(id), "outputs", str(name)):
            work = next((node.work for node in flow.nodes if node.id == id), None)
            return _kind_of_field(work.form, name) if isinstance(work, Ask | Callback) else None
        case ("task" | "merge", _, "state" | "why") | ("trigger", _):
            return "text"
        case ("task" | "merge", _, "attempts") | ("run", "ver"):
            return "number"
        case ("run", _):
            return "text"
        case (str(first), *_) if first == HOSTS:
            return "list"
        case ("values",) | ("task" | "merge", _) | ("task" | "merge", _, "outputs"):
            return "map"
        case _:
            return None


def _kind_of_value(flow: Flow, name: str) -> Kind | None:
    """The type of the field of that name, if only forms give it and they agree."""
    if any(trigger.type in ("poll-git", "push", "pack-event") for trigger in flow.triggers):
        return None
    kinds = {_kind_of_field(trigger.form, name) for trigger in flow.triggers} - {None}
    return kinds.pop() if len(kinds) == 1 else None


def _kind_of_field(form: Form, name: str) -> Kind | None:
    return next((_FIELDS.get(f.type, "text") for f in form.fields if f.id == name), None)
