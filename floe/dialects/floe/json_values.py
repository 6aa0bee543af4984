"""Values of a document as JSON, where YAML and JSON read them alike."""

from collections.abc import Mapping
from typing import Final

from floe.dialects.kinds import Schema, Unfit, number_of, quoted
from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Table, Tree
from floe.model.ids import NAME, Json
from floe.model.nouns import dataclass

NO_VALUES: Final[Mapping[str, Json] | None] = None


@dataclass(frozen=True)
class ValueMap:
    """A map of any values by name."""

    label: str = "map of values"

    def read(self, tree: Tree, key: str, notes: Notes) -> Mapping[str, Json]:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map of values", f"{key}: {{branch: main}}")
        for name, entry in tree.entries.items():
            if not NAME.fullmatch(name):
                what = f"`{key}` cannot have a value {quoted(name)}"
                raise Unfit(entry.key_at, what, "letters, digits, - and _, as in `branch`")
        return {name: json_of(entry.value, name) for name, entry in tree.entries.items()}

    def schema(self) -> Schema:
        return {"type": "object"}


def json_of(tree: Tree, key: str) -> Json:
    """A value as JSON. Raises Unfit for one that YAML reads as something else, such as a date."""
    if isinstance(tree, Items):
        return tuple(json_of(item, key) for item in tree.items)
    if isinstance(tree, Table):
        return {name: json_of(entry.value, name) for name, entry in tree.entries.items()}
    if tree.kind == "text":
        return tree.text
    if tree.kind == "boolean" and tree.text in ("true", "false"):
        return tree.text == "true"
    if tree.kind in ("whole number", "number") and (number := number_of(tree.text)) is not None:
        return number
    what = f"YAML reads {quoted(tree.text)} in `{key}` as a {tree.kind}"
    raise Unfit(tree.at, what, f"quote it: '{tree.text}'")
