"""The kind of value of a webhook's URL. Its path is a secret, so no finding repeats it."""

import re
from typing import Final

from floe.dialects.floe.secrets import SecretRefKind
from floe.dialects.kinds import Schema, Text, Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import Table, Tree
from floe.model.nouns import dataclass
from floe.model.secret_name import SecretRef

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


NO_ADDRESS: Final[str | SecretRef] = ""


@dataclass(frozen=True)
class SecretAddress:
    """Kind of value: a secret URL, or the secret that has it."""

    label: str = "string or {secret: NAME}"

    def read(self, tree: Tree, key: str, notes: Notes) -> str | SecretRef:
        if isinstance(tree, Table):
            return SecretRefKind().read(tree, key, notes)
        return SecretUrl().read(tree, key, notes)

    def schema(self) -> Schema:
        return {"anyOf": [SecretUrl().schema(), SecretRefKind().schema()]}
