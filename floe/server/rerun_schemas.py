"""The shapes of starting a run again, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    COUNT,
    FLAG,
    POSITIVE,
    TEXT,
    VALUES,
    Schema,
    many,
    maybe,
    ref,
    shape,
)

RERUNS: Final[Mapping[str, Schema]] = {
    "Rerun": shape(
        {},
        {
            "from": {**TEXT, "description": "a node; it and all nodes after it run again"},
            "failed": {**FLAG, "description": "what failed runs again, and all nodes after it"},
            "values": {**VALUES, "description": "they replace values of the earlier run"},
            "latest": {**FLAG, "description": "by the present version of the flow"},
            "same_host": {**FLAG, "description": "wait for the host with its workspace"},
            "dry_run": {**FLAG, "description": "check the values, show the plan, start nothing"},
        },
    ),
    "RerunPlan": shape(
        {
            "run": TEXT,
            "flow": TEXT,
            "ver": POSITIVE,
            "again": {**many(TEXT), "description": "nodes that run again"},
            "new": {**many(TEXT), "description": "nodes that never ran and may run"},
            "taken": {**many(TEXT), "description": "nodes that are taken over"},
            "children": {
                **many(ref("ChildPlan")),
                "description": "failed child runs that start again; the first of them",
            },
            "more_children": COUNT,
            "values": VALUES,
            "workspace": shape({"host": maybe(TEXT), "why_empty": TEXT}),
        }
    ),
    "ChildPlan": shape(
        {
            "node": TEXT,
            "item": maybe(COUNT),
            "run": TEXT,
            "taken": {**many(TEXT), "description": "nodes that are taken over in it"},
            "why_new": {**TEXT, "description": "why a new child starts instead; else empty"},
            "children": many(ref("ChildPlan")),
        }
    ),
    "ChildRerun": {
        **VALUES,
        "description": "for other hosts: what the re-run of a child takes over",
    },
}
"""Request, plan, and the reply to a different host."""
