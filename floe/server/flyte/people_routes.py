"""The routes of floe's own API about flyte: what people see and change of it."""

from collections.abc import Mapping
from typing import Any, Final

from floe.server.flyte import datastore, flow_findings, trial
from floe.server.idempotency import ONCE_MAX
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

ONCE: Final = {
    "Idempotency-Key": {
        "type": "string",
        "maxLength": ONCE_MAX,
        "description": "a repeated key sends no second event",
    }
}

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
    Route("GET", "flyte/flows/{flow}/findings", flow_findings.show, answers={200: "FlyteFindings"}),
    Route("GET", "flyte/events", trial.index, answers={200: "FlyteEvents"}),
    Route(
        "POST",
        "flyte/events/try",
        trial.attempt,
        headers=ONCE,
        body="FlyteTry",
        answers={200: "FlyteTried"},
    ),
    Route(
        "POST",
        "flyte/events/send",
        trial.send,
        headers=ONCE,
        body="FlyteTry",
        answers={202: "FlyteSent"},
    ),
)
