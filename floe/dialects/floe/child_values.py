"""The values that a flow task gives its child run: as written, or filled in when it enters."""

from collections.abc import Mapping
from typing import Final

from floe.dialects.floe.json_values import ValueMap
from floe.dialects.floe.templates import read_template
from floe.dialects.kinds import Schema, Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.kernel.judge import AT_NODE, OF_ITEM
from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.template import Template

NO_CHILD_VALUES: Final[Mapping[str, Json | Template] | None] = None


@dataclass(frozen=True)
class ChildValues:
    """Kind of value: values of a child run; a text can have `{{ values.branch }}` in it."""

    label: str = "map of values"
    takes_values: bool = True

    def read(self, tree: Tree, key: str, notes: Notes) -> Mapping[str, Json | Template]:
        values = ValueMap().read(tree, key, notes)
        assert isinstance(tree, Table), "it was read as a map"
        entries = {name: entry.value for name, entry in tree.entries.items()}
        return {name: _filled(entries[name], value, notes) for name, value in values.items()}

    def schema(self) -> Schema:
        return ValueMap().schema()


def _filled(tree: Tree, value: Json, notes: Notes) -> Json | Template:
    if not isinstance(tree, Scalar):
        _refuse_templates(tree, notes)
        return value
    if "{{" not in tree.text:
        return value
    template = read_template(tree, notes, (*AT_NODE, *OF_ITEM)).template
    if any(part.is_value for part in template.parts):
        return template
    return "".join(part.text for part in template.parts)


def _refuse_templates(tree: Tree, notes: Notes) -> None:
    match tree:
        case Items(items=items):
            parts: list[Tree] = list(items)
        case Table(entries=entries):
            parts = [entry.value for entry in entries.values()]
        case Scalar(text=text) if "{{" in text:
            template = read_template(tree, Notes(""), (*AT_NODE, *OF_ITEM)).template
            if any(part.is_value for part in template.parts):
                what = "a list or a map in `values` takes no values from the run"
                raise Unfit(tree.at, what, "write it as one expression: '{{ [values.a, item] }}'")
            return
        case _:
            return
    for part in parts:
        _refuse_templates(part, notes)
