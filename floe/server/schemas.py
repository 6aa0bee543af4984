"""The shapes of requests and replies, as JSON Schema.

`openapi` puts them into the description of the API; the tests validate every reply against them.
"""

from collections.abc import Mapping
from typing import Final, get_args

from floe.model.event import Event
from floe.server.flow_schemas import FLOWS
from floe.server.flyte_event_schemas import FLYTE_EVENTS
from floe.server.flyte_item_schemas import FLYTE_ITEMS
from floe.server.flyte_schemas import FLYTE
from floe.server.form_schemas import FORM_SCHEMAS
from floe.server.host_schemas import HOSTS
from floe.server.json_schema import (
    ANY,
    COUNT,
    FLAG,
    INSTANT,
    POSITIVE,
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
from floe.server.prune_schemas import PRUNES, REMOVED
from floe.server.rerun_schemas import RERUNS
from floe.server.secret_schemas import SECRETS

SUMMARY: Final = {
    "id": TEXT,
    "key": TEXT,
    "flow": TEXT,
    "ver": POSITIVE,
    "state": one_of("pending", "active", "archive"),
    "phase": one_of(
        "reading", "pending", "granted", "active", "resting", "ending", "ended", "packed"
    ),
    "good": maybe(FLAG),
    "result": maybe(one_of("good", "bad", "cancelled", "rejected", "stalled")),
    "why": TEXT,
    "title": TEXT,
    "host": maybe(TEXT),
    "adopted_by": TEXT,
    "epoch": COUNT,
    "seq": COUNT,
    "trigger": TEXT,
    "by": TEXT,
    "pended_at": INSTANT,
    "started_at": maybe(INSTANT),
    "ended_at": maybe(INSTANT),
    "ran": COUNT,
    "skipped": COUNT,
    "parent": maybe(ref("ParentRun")),
    "label": TEXT,
    "active_at": maybe(INSTANT),
    "due": maybe(INSTANT),
}

NODE: Final = {
    "id": TEXT,
    "ref": TEXT,
    "class": one_of("task", "merge"),
    "type": TEXT,
    "name": TEXT,
    "state": one_of(
        "waiting",
        "queued",
        "running",
        "asking",
        "retrying",
        "judging",
        "good",
        "bad",
        "error",
        "stopped",
        "skipped",
        "never",
    ),
}

VISIT: Final = {
    "visit": POSITIVE,
    "tag": maybe(TEXT),
    "good": maybe(FLAG),
    "status": maybe({"type": "integer"}),
    "why": TEXT,
    "attempt": COUNT,
    "entered_at": INSTANT,
    "queued_at": INSTANT,
    "started_at": maybe(INSTANT),
    "asked_at": maybe(INSTANT),
    "due": maybe(INSTANT),
    "ended_at": maybe(INSTANT),
    "by": TEXT,
    "taken_from": {**TEXT, "description": "the key of the run in which it ran, in a re-run"},
    "child": {**TEXT, "description": "the key of the child run of the attempt; empty for none"},
    "label": {**TEXT, "description": "its state as its dialect names it; empty in flows of floe"},
    "output_bytes": COUNT,
    "outputs": VALUES,
    "attempts": {
        **many(ref("Attempt")),
        "description": "of this visit, the newest 50; `attempt` is the number of the last",
    },
}
"""One visit of a node."""

ENTERED: Final = {
    **VISIT,
    "visits": many(ref("Visit")),
    "items": {**many(TEXT), "description": "the labels of its items; absent without items"},
    "item_states": {**many(ref("ItemState")), "description": "the items that have begun"},
}
"""Of a node that has entered: its latest visit, and the earlier ones, oldest first."""

ITEM_FIELDS: Final = (
    "attempt",
    "status",
    "why",
    "started_at",
    "due",
    "ended_at",
    "output_bytes",
    "taken_from",
    "child",
    "label",
)
"""Of an item; each is absent while it is as at the item's beginning."""

CHILD_OF: Final = {"run": TEXT, "node": TEXT, "item": maybe(COUNT)}
"""A run and a node: the parent of a child run and its node there, or a child and its node here."""

FACT: Final = {"seq": POSITIVE, "epoch": COUNT, "at": INSTANT, "event": ref("EventName")}
FACT_OF: Final = {"node": TEXT, "tag": TEXT, "by": TEXT}

OUTPUT: Final = {"attempt": COUNT, "count": COUNT, "bytes": COUNT, "live": FLAG}

REFUSALS: Final = many(shape({"host": TEXT, "reasons": many(TEXT)}))
AWAY: Final = {**many(TEXT), "description": "hosts that did not reply"}
EARLIER: Final = {**INSTANT, "description": "of a host that is away: when it sent this"}

SCHEMAS: Final[Mapping[str, Schema]] = {
    **FORM_SCHEMAS,
    **FLYTE_ITEMS,
    **FLYTE_EVENTS,
    "Problem": shape(
        {"type": TEXT, "title": TEXT, "status": POSITIVE, "detail": TEXT},
        {
            "hint": TEXT,
            "fields": TEXTS,
            "findings": many(ref("Finding")),
            "id": TEXT,
            **REMOVED,
        },
    ),
    "Finding": shape(
        {
            "file": TEXT,
            "line": COUNT,
            "col": COUNT,
            "level": one_of("error", "warning"),
            "what": TEXT,
            "hint": TEXT,
        }
    ),
    "Summary": shape(SUMMARY),
    "Runs": shape(
        {
            "runs": many(ref("Summary")),
            "next": TEXT,
            "as_of": {
                "type": "object",
                "additionalProperties": maybe(INSTANT),
                "description": "each other host and the time of its last message; null for never",
            },
            "stale": {**many(TEXT), "description": "those unseen for 10 s: the list may lag"},
        }
    ),
    **FLOWS,
    "Run": shape(
        {
            **SUMMARY,
            "values": VALUES,
            "outputs": {**VALUES, "description": "of the run, once it has ended"},
            "about": {**many(ref("ShownValue")), "description": "the first values, shortened"},
            "workspace": TEXT,
            "passes": {
                **maybe(COUNT),
                "description": "that began, of a run of a different language; null for floe's own",
            },
            "moved_from": {**TEXT, "description": "the workspace of an earlier run that it took"},
            "by_hand": FLAG,
            "moved_to": {**TEXT, "description": "the re-run that took its workspace"},
            "rerun_of": maybe(TEXT),
            "children": many(ref("ChildRun")),
            "cancelled_by": TEXT,
            "failed": {**many(TEXT), "description": "the nodes that explain a failure"},
            "standing": many(TEXT),
            "graph": ref("Graph"),
            "nodes": many(ref("Node")),
            "forms": many(ref("OpenForm")),
            "callbacks": many(ref("CallAddress")),
            "pos": TEXT,
            "moment": maybe(ref("Fact")),
        }
    ),
    "Node": shape(NODE, ENTERED),
    "ItemState": shape(
        {"item": COUNT, "state": NODE["state"]},
        {
            **{name: VISIT[name] for name in ITEM_FIELDS},
            "begun_at": {**INSTANT, "description": "of several attempts: when the first started"},
        },
    ),
    "NodePage": shape(
        {**NODE, "inputs": VALUES, "inputs_from": TEXTS, "work": VALUES}, {**ENTERED, "item": COUNT}
    ),
    "Visit": shape({"state": NODE["state"], **VISIT}),
    "Attempt": shape(
        {
            "attempt": POSITIVE,
            "result": one_of("good", "bad", "error", "stopped"),
            "status": maybe({"type": "integer"}),
            "why": TEXT,
            "started_at": maybe(INSTANT),
            "ended_at": INSTANT,
            "output_bytes": COUNT,
            "child": TEXT,
        }
    ),
    "ParentRun": shape({**CHILD_OF, "waits": FLAG}),
    "ChildRun": shape(CHILD_OF),
    "Place": shape({"pos": POSITIVE}),
    "Events": shape({"events": many(ref("Event")), "next": maybe(POSITIVE)}),
    "Event": shape({**FACT, "data": VALUES}, FACT_OF),
    "EventName": one_of(*(kind.__name__ for kind in get_args(Event))),
    "Fact": shape(FACT, FACT_OF),
    "Lines": shape(
        {
            **OUTPUT,
            "from": POSITIVE,
            "lines": many(shape({"text": TEXT, "bytes": COUNT, "style": TEXT})),
        }
    ),
    "Found": shape({**OUTPUT, "found": many(POSITIVE), "next": maybe(POSITIVE)}),
    "Why": shape(
        {
            "run": TEXT,
            "state": one_of("pending", "active", "archive"),
            "text": TEXT,
            "hosts": REFUSALS,
            "waiting": many(shape({"node": TEXT, "for": many(TEXT)})),
            "never": many(shape({"node": TEXT, "tags": many(TEXT)}, {"why": TEXT})),
        },
        {"skipped": many(shape({"node": TEXT, "why": TEXT}))},
    ),
    "Notices": shape({"notices": many(ref("Notice"))}),
    "Notice": shape(
        {
            "to": {**TEXT, "description": "without the path of a URL, which is a secret"},
            "when": many(one_of("bad", "recovered", "good", "cancelled")),
            "state": one_of("owed", "sent", "failed"),
            "tries": COUNT,
            "at": maybe(INSTANT),
            "due": maybe(INSTANT),
            "why": TEXT,
        }
    ),
    "Cancel": shape({}, {"why": TEXT}),
    "Ordered": shape({"run": TEXT, "summary": ref("Summary")}),
    "Payload": ANY,
    "Hooked": shape(
        {"run": maybe(TEXT)},
        {
            "why": {**TEXT, "description": "why nothing starts, or what the run lacks"},
            "runs": {**many(TEXT), "description": "where one delivery starts several"},
        },
    ),
    **HOSTS,
    **PRUNES,
    **RERUNS,
    **SECRETS,
    **FLYTE,
    "Leases": shape(
        {
            "leases": many(
                shape(
                    {
                        "tag": TEXT,
                        "kind": one_of("resource", "workspace"),
                        "run": TEXT,
                        "flow": TEXT,
                        "host": maybe(TEXT),
                        "fence": TEXT,
                        "since": maybe(INSTANT),
                        "waiting": many(TEXT),
                    }
                )
            ),
            "problem": TEXT,
            "away": {**maybe(TEXT), "description": "the keeper, while it is away"},
        }
    ),
    "Free": shape({"tag": TEXT, "run": TEXT}),
    "Freed": shape({"tag": TEXT}),
    "Pends": shape(
        {
            "pends": many(
                shape(
                    {"text": TEXT, "hosts": REFUSALS, "count": POSITIVE, "runs": many(TEXT)},
                    {"as_of": EARLIER},
                )
            ),
            "away": AWAY,
        }
    ),
    "Inboxes": shape(
        {
            "inboxes": many(
                shape(
                    {
                        "host": TEXT,
                        "waiting": COUNT,
                        "bytes": COUNT,
                        "oldest_at": maybe(INSTANT),
                        "first": many(
                            shape({"at": INSTANT, "bytes": COUNT, "what": TEXT}),
                        ),
                        "stuck": {
                            **TEXT,
                            "description": "why they could not be judged at the last try; or empty",
                        },
                        "findings": many(
                            shape(
                                {
                                    "flow": TEXT,
                                    "name": TEXT,
                                    "count": COUNT,
                                    "newest": many(ref("InboxFinding")),
                                }
                            )
                        ),
                    },
                    {"as_of": EARLIER},
                )
            ),
            "away": AWAY,
        }
    ),
    "Forms": shape(
        {
            "forms": many(
                shape(
                    {
                        "run": ref("Summary"),
                        "form": ref("OpenForm"),
                        "about": many(ref("ShownValue")),
                    },
                    {"as_of": EARLIER},
                )
            ),
            "count": COUNT,
            "away": AWAY,
        }
    ),
    "Tokens": shape(
        {
            "tokens": many(ref("Token")),
            "old": {
                **TEXT,
                "description": "why the list may be old, as the keeper is away; empty if it is not",
            },
        }
    ),
    "TokenChanges": shape({"process": TEXT, "after": COUNT, "changes": many(VALUES)}),
    "Token": shape(
        {
            "id": TEXT,
            "name": TEXT,
            "made_at": INSTANT,
            "made_by": {**TEXT, "description": "the token it depends on; empty for none"},
        }
    ),
    "Nothing": shape({}),
    "Reloaded": shape({"flows": COUNT, "findings": many(ref("Finding"))}),
    "Login": shape({}, {"token": TEXT, "user": TEXT, "password": TEXT, "personal": TEXT}),
    "LoggedIn": shape({"token": TEXT, "user": TEXT}),
    "User": shape({"user": TEXT, "by": {**TEXT, "description": "as events of runs name them"}}),
    "Health": shape({"ok": FLAG}, {"why": TEXT}),
    "OpenApi": VALUES,
}
