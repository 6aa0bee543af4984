"""The kind of value of a webhook's URL. Its path is a secret, so no finding repeats it."""

import re
from typing import Final

from floe.dialects.kinds import Schema, Text, Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import Tree
from floe.model.nouns import dataclass

_PATTERN: Final = r"https?://[^\s/?#@:]+(:[0-9]{1,5})?(/\S*)?|\$[A-Za-z_][A-Za-z0-9_]*|@[^@\s].*"


@dataclass(frozen=True)
class SecretUrl:
    """An http(s) URL, `$NAME` of the host's environment, or `@file`."""

    label: str = "string"

    def read(self, tree: Tree, key: str, notes: Notes) -> str:
        text = Text().read(tree, key, notes)
        if not re.fullmatch(_PATTERN, text):
            what = f"`{key}` is no http(s) URL, `$NAME` or `@file`"
            raise Unfit(tree.at, what, f"{key}: $NAME, and the URL in the host's environment")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{_PATTERN})$"}
