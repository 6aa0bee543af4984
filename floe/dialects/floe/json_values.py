"""Values of a document as JSON, by one rule: YAML and JSON must read them alike.

`3.10`, `yes`, `1_000`, `~` and a date are errors that ask for quotes, so no value silently becomes
a different one.
"""

from collections.abc import Mapping

from floe.dialects.braces import value_in
from floe.dialects.kinds import Schema, Unfit, quoted
from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Table, Tree
from floe.model.codec import to_text
from floe.model.ids import NAME, Json
from floe.model.nouns import dataclass
from floe.model.number import exact_number


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
    """The value as JSON; lists are tuples. Raises Unfit for one that YAML reads differently."""
    if isinstance(tree, Items):
        return tuple(json_of(item, key) for item in tree.items)
    if isinstance(tree, Table):
        return {name: json_of(entry.value, name) for name, entry in tree.entries.items()}
    match tree.kind:
        case "text":
            return tree.text
        case "boolean" if tree.text in ("true", "false"):
            return tree.text == "true"
        case "nothing" if tree.text == "null":
            return None
        case "whole number" | "number" if (number := _number(tree.text)) is not None:
            return number
        case _:
            article = "" if tree.kind == "nothing" else "a "
            what = f"YAML reads {quoted(tree.text)} in `{key}` as {article}{tree.kind}"
            raise Unfit(tree.at, what, f"quote it: '{tree.text}'")


def _number(text: str) -> int | float | None:
    """A number that JSON writes as it is written here; None for any other."""
    try:
        number = exact_number(text)
    except ValueError:
        return None
    return None if isinstance(number, str) or to_text(number) != text else number


def refuse_values(tree: Tree, key: str, instead: str) -> None:
    """Refuse values of the run in what is read as it is written. Raises Unfit."""
    if isinstance(tree, Items):
        for item in tree.items:
            refuse_values(item, key, instead)
    elif isinstance(tree, Table):
        for name, entry in tree.entries.items():
            refuse_values(entry.value, name, instead)
    elif found := value_in(tree.text):
        what = f"`{key}` takes no values, and `{found[0]}` would be one"
        raise Unfit(tree.position_of(found.start()), what, instead)
