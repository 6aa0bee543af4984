"""The routes of floe's own API about flyte: what people see and change of it."""

from collections.abc import Mapping
from typing import Any, Final

from floe.server.flyte import datastore
from floe.server.json_schema import TEXT
from floe.server.route import Route

ITEM: Final = "flyte/items/{item:[^/]+}"

PART: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"type": "string", "description": "part of a key or a description"},
    "first": {"type": "integer", "minimum": 0, "default": 0, "description": "items before it"},
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": datastore.ITEMS_MAX,
        "default": datastore.ITEMS_MAX,
    },
}

VERSION: Final = {
    "If-Match": {"type": "string", "description": "the ETag of the version that is changed"}
}

NEW: Final = {"If-None-Match": {"type": "string", "description": "`*`: there is no such item yet"}}

FLYTE_PEOPLE_ROUTES: Final = (
    Route("GET", "flyte/items", datastore.index, query=PART, answers={200: "FlyteItems"}),
    Route("GET", ITEM, datastore.show, answers={200: "FlyteItem"}),
    Route("GET", f"{ITEM}/content", datastore.content, answers={200: "*/*"}),
    Route(
        "PUT",
        ITEM,
        datastore.put,
        query={"description": TEXT},
        headers={**VERSION, **NEW},
        body="*/*",
        answers={200: "FlyteItem", 201: "FlyteItem"},
    ),
    Route("DELETE", ITEM, datastore.delete, headers=VERSION, answers={204: ""}),
)
