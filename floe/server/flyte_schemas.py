"""The shapes of flyte's packs and flows in replies of floe's own API, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    COUNT,
    FLAG,
    INSTANT,
    POSITIVE,
    TEXT,
    TEXTS,
    Schema,
    many,
    maybe,
    one_of,
    ref,
    shape,
)

COUNTS: Final = {
    "new": COUNT,
    "new_since": maybe(INSTANT),
    "taken": COUNT,
    "taken_since": maybe(INSTANT),
}
"""Open actions, and since when the oldest is in its state."""

IN_FLOWS: Final = {"flows": many(ref("FlyteFlowName")), "more_flows": COUNT}
LINKS: Final = many(shape({"href": TEXT, "rel": TEXT}))

HEAD: Final = {
    "id": TEXT,
    "name": TEXT,
    "description": TEXT,
    "version": TEXT,
    "at": INSTANT,
    "by": TEXT,
    "count": {**COUNT, "description": "of its steps"},
    "events": many(shape({"pack": TEXT, "event": TEXT})),
}

FLYTE: Final[Mapping[str, Schema]] = {
    "FlyteFlowName": shape({"id": TEXT, "name": TEXT}),
    "FlyteShort": shape({"flows": many(ref("FlyteFlowName")), "packs": COUNT, "items": COUNT}),
    "FlytePacks": shape(
        {
            "packs": many(ref("FlytePack")),
            "missing": {
                **many(ref("FlyteMissing")),
                "description": "commands that flows call, and that no pack declares",
            },
            "unsent": {
                **many(ref("FlyteUnsent")),
                "description": "events that flows wait for, and that no pack declares",
            },
            "backlog": many(ref("FlyteBacklog")),
            "away": many(TEXT),
        }
    ),
    "FlytePack": shape(
        {
            "id": TEXT,
            "name": TEXT,
            "labels": TEXTS,
            "status": one_of("live", "warning", "critical"),
            "last_seen": INSTANT,
            "registered_at": INSTANT,
            "links": LINKS,
            "commands": many(ref("FlyteCommand")),
            "events": many(shape({"name": TEXT, **IN_FLOWS})),
            **COUNTS,
        }
    ),
    "FlyteCommand": shape(
        {"name": TEXT, "events": many(TEXT), "links": LINKS, **IN_FLOWS, **COUNTS}
    ),
    "FlyteMissing": shape(
        {"pack": TEXT, "command": TEXT, "registered": FLAG, **IN_FLOWS, **COUNTS}
    ),
    "FlyteUnsent": shape({"pack": TEXT, "event": TEXT, "registered": FLAG, **IN_FLOWS}),
    "FlyteBacklog": shape(
        {
            "host": TEXT,
            "pack": TEXT,
            "command": TEXT,
            "labels": TEXTS,
            "by": {**TEXT, "description": "the pack that has taken them; empty for new ones"},
            "number": POSITIVE,
            "since": INSTANT,
        }
    ),
    "FlyteFlows": shape({"flows": many(shape({**HEAD, "last": maybe(ref("Summary"))}))}),
    "FlyteFlowPage": shape(
        {
            **HEAD,
            "digest": TEXT,
            "graph": ref("Graph"),
            "steps": many(ref("FlyteStep")),
            "versions": {
                **many(shape({"version": TEXT, "at": INSTANT, "by": TEXT})),
                "description": "those that are still stored, the newest first",
            },
        }
    ),
    "FlyteStep": shape(
        {
            "node": TEXT,
            "id": TEXT,
            "event": ref("FlytePart"),
            "declared": {**FLAG, "description": "a pack says that it sends this event"},
            "depends_on": many(TEXT),
            "unknown": {**many(TEXT), "description": "of these: ids that no step has"},
            "context": TEXTS,
            "criteria": TEXT,
            "command": ref("FlytePart"),
            "input": {**TEXT, "description": "as JSON; empty for none"},
            "served": {
                **one_of("live", "silent", "command", "labels", "no-pack"),
                "description": "a live pack, silent ones, or what of it no pack has",
            },
            "may_be": many(shape({"event": TEXT, "declared": FLAG, "steps": many(TEXT)})),
        }
    ),
    "FlytePart": shape({"pack": TEXT, "name": TEXT, "labels": TEXTS}),
}
