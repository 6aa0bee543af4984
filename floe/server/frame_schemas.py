"""The shapes of the frames of the feed, as JSON Schema: of a host, and the requests of a client.

`openapi` lists them beside the schemas of requests and replies; the tests validate every frame.
"""

from collections.abc import Mapping
from typing import Any, Final

from floe.server.json_schema import (
    COUNT,
    FLAG,
    INSTANT,
    POSITIVE,
    TEXT,
    Schema,
    maybe,
    one_of,
    ref,
    shape,
)
from floe.server.schemas import ENTERED, FACT, FACT_OF, NODE


def _frame(
    kind: str, always: Mapping[str, Schema], sometimes: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    return shape({"type": {"const": kind}, **always}, sometimes)


KINDS: Final[Mapping[str, Schema]] = {
    "HelloFrame": _frame("hello", {"pos": TEXT, "host": TEXT, "version": TEXT}),
    "EventFrame": _frame(
        "event",
        {"pos": TEXT, "run": TEXT, **FACT},
        {
            "by": FACT_OF["by"],
            "tag": FACT_OF["tag"],
            "node": ref("NodeChange"),
            "summary": ref("Summary"),
        },
    ),
    "OutputFrame": _frame(
        "output",
        {
            "run": TEXT,
            "node": TEXT,
            "attempt": COUNT,
            "offset": COUNT,
            "end": COUNT,
            "text": TEXT,
            "live": FLAG,
        },
        {
            "visit": {**POSITIVE, "description": "of the node; 1 if absent"},
            "item": {**COUNT, "description": "absent for a node that runs once"},
        },
    ),
    "HostFrame": _frame(
        "host", {"id": TEXT, "state": one_of("away", "here"), "seen": maybe(INSTANT)}
    ),
    "FlowsFrame": _frame("flows", {}),
    "ResetFrame": _frame("reset", {"pos": TEXT}),
    "ErrorFrame": _frame("error", {"status": POSITIVE, "detail": TEXT, "hint": TEXT}),
}
"""Each kind of frame that a host sends."""

FRAMES: Final[Mapping[str, Schema]] = {
    "NodeChange": shape({name: NODE[name] for name in ("id", "ref", "state")}, ENTERED),
    **KINDS,
    "Frame": {"anyOf": [ref(name) for name in KINDS]},
    "Watch": shape(
        {"run": TEXT, "node": TEXT},
        {"visit": POSITIVE, "attempt": POSITIVE, "offset": COUNT, "item": COUNT},
    ),
    "FeedRequest": shape(
        {},
        {
            "watch": ref("Watch"),
            "unwatch": shape({"run": TEXT, "node": TEXT}, {"item": COUNT}),
            "run": {**maybe(TEXT), "description": "send events of this run only; null: of all"},
        },
    ),
}
"""`Frame` is any frame that a host sends, `FeedRequest` any that a client may send."""
