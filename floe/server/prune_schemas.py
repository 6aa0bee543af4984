"""The shapes of the removal of runs, and of the disk use that it watches, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    COUNT,
    FLAG,
    INSTANT,
    SECONDS,
    TEXT,
    Schema,
    many,
    maybe,
    one_of,
    shape,
)

DISK: Final[Schema] = {
    **maybe(shape({"at": INSTANT, "workspaces": COUNT, "outputs": COUNT, "store": COUNT})),
    "description": "bytes, and when they were measured; null before that",
}

REMOVED: Final[Mapping[str, Schema]] = {
    "since": {**INSTANT, "description": "of a run that was removed: when"},
    "why": {**TEXT, "description": "of a run that was removed: the rule"},
}
"""Members of a problem with status 410."""

PRUNES: Final[Mapping[str, Schema]] = {
    "Prune": shape(
        {},
        {
            "dry_run": {**FLAG, "description": "show what would go, and remove nothing"},
            "flow": TEXT,
            "keep": {
                **shape(
                    {},
                    {
                        "runs": COUNT,
                        "days": SECONDS,
                        "bytes": COUNT,
                        "workspaces": one_of("all", "failed", "none"),
                    },
                ),
                "description": "replaces limits of the config; 0 for no limit",
            },
        },
    ),
    "Pruned": shape(
        {
            "id": TEXT,
            "runs": COUNT,
            "workspaces": COUNT,
            "bytes": COUNT,
            "sealed": {**COUNT, "description": "sealed runs among them: their keys go first"},
            "some": {
                **many(shape({"run": TEXT, "what": one_of("run", "workspace"), "why": TEXT})),
                "description": "the newest of them",
            },
            "done": {**FLAG, "description": "false: the host is still removing them"},
        }
    ),
}
"""Request and reply."""
