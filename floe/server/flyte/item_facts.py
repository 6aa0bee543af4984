"""What people are shown of the items of the datastore, beside their contents."""

import asyncio
import base64
from collections.abc import Mapping

from floe.hub.shared.named_rows import NamedRow, NamedRows
from floe.model.codec import iso
from floe.model.ids import Instant, Shape
from floe.model.nouns import dataclass
from floe.model.shared_row import RowOrigin, SharedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreItem:
    """An item of the datastore."""

    content: bytes
    content_type: str
    description: str = ""
    since: int = 0
    """When its key came into the datastore: lists have this order."""


class ItemFacts:
    """The facts of all items. Those of a version are read once: its content may be 2 MiB."""

    def __init__(self, items: NamedRows) -> None:
        self._items = items
        self._known: dict[str, tuple[RowOrigin, Shape]] = {}
        """By key, with the write that made the version."""

    async def all(self) -> list[Shape]:
        """The facts of the items in this host's copy, by key. Raises World."""
        found: dict[str, tuple[RowOrigin, Shape]] = {}
        for key, row in sorted(self._items.names(), key=lambda one: one[0]):
            known = self._known.get(key)
            if known is None or known[0] != row.origin:
                item = self._items.local(key)
                if item is None:
                    continue
                known = item.row.origin, item_facts(item)
                await asyncio.sleep(0)  # other requests do not wait until all are read
            found[key] = known
        self._known = found
        return [facts for _, facts in found.values()]


def read_item(row: NamedRow) -> DatastoreItem:
    """The item of a row."""
    value = row.value
    assert isinstance(value, Mapping), "the value of an item is an object"
    return DatastoreItem(
        content=base64.b64decode(str(value["content"])),
        content_type=str(value["contentType"]),
        description=str(value["description"]),
        since=int(str(value["since"])),
    )


def item_facts(row: NamedRow) -> Shape:
    """An item without its content."""
    item = read_item(row)
    return {
        "key": row.name,
        "content_type": item.content_type,
        "description": item.description,
        "bytes": len(item.content),
        "since": iso(Instant(item.since)),
        "changed_at": iso(row.row.at),
        "changed_by": row.row.by,
        "etag": etag_of(row.row),
    }


def etag_of(row: SharedRow) -> str:
    """The ETag of a version: the same at all hosts, also under a later keeper."""
    return f'"{row.origin.sequence}.{row.origin.number}"'
