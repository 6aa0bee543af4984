"""The shapes of flows in replies, as JSON Schema: triggers and graphs."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    COUNT,
    FLAG,
    INSTANT,
    POSITIVE,
    SECONDS,
    TEXT,
    TEXTS,
    VALUES,
    Schema,
    many,
    maybe,
    one_of,
    ref,
    shape,
)

FLOW: Final = {
    "id": TEXT,
    "ver": POSITIVE,
    "name": TEXT,
    "host_tags": many(TEXT),
    "resource_tags": many(TEXT),
    "reuse_space": FLAG,
    "flow_file": TEXT,
    "triggers": many(ref("Trigger")),
    "last": maybe(ref("Summary")),
    "findings": many(ref("Finding")),
    "failing": maybe(shape({"since": INSTANT, "runs": POSITIVE, "more": FLAG})),
}

FLOWS: Final[Mapping[str, Schema]] = {
    "Trigger": shape(
        {
            "id": TEXT,
            "type": one_of("data", "timer", "poll-git", "push", "pack-event"),
            "name": TEXT,
            "form": maybe(ref("Form")),
            "period_s": maybe(SECONDS),
            "cron": TEXT,
            "timezone": TEXT,
            "next_due": maybe(INSTANT),
            "problem": TEXT,
            "passed_over": {
                **many(shape({"at": INSTANT, "why": TEXT}, {"values": TEXTS})),
                "description": "the newest starts that its filters or its `if` passed over",
            },
            "git": TEXTS,
        }
    ),
    "Flow": shape(FLOW),
    "Flows": shape(
        {"flows": many(ref("Flow")), "findings": many(ref("Finding")), "flyte": ref("FlyteShort")}
    ),
    "FlowPage": shape(
        {
            **FLOW,
            "graph": ref("Graph"),
            "env": many(TEXT),
            "timeout_s": maybe(SECONDS),
            "on_host_lost": one_of("fail", "restart"),
            "unheard_bad": one_of("end", "hold"),
            "max_runs": maybe(ref("MaxRuns")),
        }
    ),
    "Definition": shape(
        {
            "works": many(shape({"ref": TEXT, "work": VALUES})),
            "written": {
                **maybe(shape({"file": TEXT, "line": POSITIVE, "text": TEXT})),
                "description": "as in the file, from this line on; null if it cannot be shown",
            },
        }
    ),
    "MaxRuns": shape(
        {
            "limit": POSITIVE,
            "per": TEXT,
            "when_full": one_of("queue", "skip", "cancel-older"),
        }
    ),
    "Graph": shape({"nodes": many(ref("GraphNode")), "edges": many(ref("Edge"))}),
    "GraphNode": shape(
        {
            "id": TEXT,
            "ref": TEXT,
            "class": one_of("trigger", "task", "merge"),
            "type": TEXT,
            "name": TEXT,
            "level": COUNT,
            "listen": many(TEXT),
            "wait": many(TEXT),
        },
        {
            "timeout_s": maybe(SECONDS),
            "retry_max": COUNT,
            "calls": {
                **TEXT,
                "description": "in place of its type: what it calls, or who sends it",
            },
            "foreach": FLAG,
            "loop_max": POSITIVE,
            "repeat": ref("Repeat"),
        },
    ),
    "Repeat": shape({"until": TEXT, "every_s": SECONDS, "max": POSITIVE}),
    "Edge": shape(
        {"from": TEXT, "to": TEXT, "tag": TEXT},
        {"label": {**TEXT, "description": "in place of the last part of its tag"}},
    ),
}
