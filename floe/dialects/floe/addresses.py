"""The kind of value of addresses that requests must not reach."""

from typing import Final

from floe.dialects.address_kinds import Network
from floe.dialects.kinds import Schema, Text, Unfit, quoted
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes
from floe.dialects.tree import Tree
from floe.model.nouns import dataclass

ADDRESS_NAMES: Final = ("own-api", "link-local", "loopback", "private")
FORBIDDEN: Final = ("own-api", "link-local")


@dataclass(frozen=True)
class AddressesKind:
    """Kind of value: addresses: an IP address, a network, or several by a name."""

    label: str = "string"

    def read(self, tree: Tree, key: str, notes: Notes) -> str:
        text = Text().read(tree, key, notes)
        if text in ADDRESS_NAMES:
            return text
        if "." not in text and ":" not in text:
            hint = closest(text, ADDRESS_NAMES) or f"{', '.join(ADDRESS_NAMES)}, or a network"
            raise Unfit(tree.at, f"`{key}` cannot be {quoted(text)}", hint)
        return Network().read(tree, key, notes)

    def schema(self) -> Schema:
        return Text().schema()
