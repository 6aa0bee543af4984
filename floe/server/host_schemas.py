"""The shapes of hosts, of their drain and of what is forgotten, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    COUNT,
    FLAG,
    INSTANT,
    TEXT,
    Schema,
    many,
    maybe,
    one_of,
    ref,
    shape,
)
from floe.server.prune_schemas import DISK

HOSTS: Final[Mapping[str, Schema]] = {
    "Hosts": shape({"hosts": many(ref("Host"))}),
    "Host": shape(
        {
            "id": TEXT,
            "store": TEXT,
            "self": FLAG,
            "keeper": FLAG,
            "tags": many(TEXT),
            "version": TEXT,
            "started_at": maybe(INSTANT),
            "seen_at": maybe(INSTANT),
            "draining": FLAG,
            "slots": COUNT,
            "active": COUNT,
            "pending": COUNT,
            "load": {"type": "number", "minimum": 0},
            "cpus": COUNT,
            "commands": {**COUNT, "description": "how many may run at once by its config"},
            "commands_at_once": {**COUNT, "description": "how many do, by the machine's limits"},
            "commands_why": {**TEXT, "description": "which limit allows no more; empty for none"},
            "running": COUNT,
            "waiting": COUNT,
            "judging": {**COUNT, "description": "judgements under way or waiting"},
            "disk": DISK,
            "config": shape(
                {
                    "path": TEXT,
                    "digest": TEXT,
                    "loaded_at": maybe(INSTANT),
                    "findings": many(ref("Finding")),
                }
            ),
            "url": TEXT,
            "clock_offset_ms": {"type": "integer", "description": "how much its clock is ahead"},
            "problems": many(TEXT),
            "staying": {**many(TEXT), "description": "why runs are left, while it drains"},
            "notes": {**many(TEXT), "description": "differences of its config, maybe intended"},
            "offers": many(one_of("reload", "drain", "forget")),
        }
    ),
    "Drain": shape({}, {"on": FLAG}),
    "Drained": shape(
        {
            "id": TEXT,
            "draining": FLAG,
            "active": COUNT,
            "left": {**COUNT, "description": "runs that have not left the host"},
            "staying": many(shape({"run": TEXT, "why": TEXT})),
        }
    ),
    "Forget": shape({}, {"store": TEXT, "force": FLAG}),
    "Forgot": shape({"id": TEXT, "forgotten": INSTANT}),
}
