"""The events that a task listens to, as they are written: one, or a list of them."""

from floe.dialects.kinds import ListOf, Schema, Text
from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Tree
from floe.model.nouns import dataclass


@dataclass(frozen=True)
class EventNames:
    """A text, or a list of texts."""

    label: str = "string or list of strings"

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[str, ...]:
        if isinstance(tree, Items):
            return ListOf(Text(), least=1).read(tree, key, notes)
        return (Text().read(tree, key, notes),)

    def schema(self) -> Schema:
        return {"anyOf": [Text().schema(), ListOf(Text(), least=1).schema()]}
