"""The shapes of the datastore of flyte, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import COUNT, INSTANT, TEXT, Schema, many, ref, shape

FLYTE_ITEMS: Final[Mapping[str, Schema]] = {
    "FlyteItems": shape(
        {
            "items": many(ref("FlyteItem")),
            "count": {**COUNT, "description": "items that match"},
            "all": {**COUNT, "description": "items of the datastore"},
            "old": {**TEXT, "description": "why the list may be old; empty if it is not"},
        }
    ),
    "FlyteItem": shape(
        {
            "key": TEXT,
            "content_type": TEXT,
            "description": TEXT,
            "bytes": COUNT,
            "since": {**INSTANT, "description": "when the key came into the datastore"},
            "changed_at": INSTANT,
            "changed_by": TEXT,
            "etag": {**TEXT, "description": "of this version, for If-Match"},
        }
    ),
}
