"""The shapes of events of flyte that people try, and of what is wrong in flows, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    ANY,
    COUNT,
    FLAG,
    POSITIVE,
    TEXT,
    TEXTS,
    VALUES,
    Schema,
    many,
    one_of,
    ref,
    shape,
)

PLACE: Final = {
    "place": {**TEXT, "description": "of the template in the step: `command.input.message`"},
    "what": TEXT,
    "hint": TEXT,
}

LINE: Final = {
    "template": {**TEXT, "description": "the line of the template with the place, cut if long"},
    "lines": {**POSITIVE, "description": "lines of the whole template"},
    "line": POSITIVE,
    "column": {**POSITIVE, "description": "in the whole line"},
    "cut": {**COUNT, "description": "characters of the line before `template`"},
}

STEP: Final = {
    "step": {**TEXT, "description": "its id; empty for none"},
    "number": {**POSITIVE, "description": "its place in the flow"},
}

FLYTE_EVENTS: Final[Mapping[str, Schema]] = {
    "FlyteTry": shape(
        {
            "pack": {**TEXT, "description": "id of a registered pack; or the name of any"},
            "event": TEXT,
        },
        {"payload": ANY},
    ),
    "FlyteTried": shape(
        {
            "pack": TEXT,
            "registered": {**FLAG, "description": "whether a pack with this id is registered"},
            "event": TEXT,
            "flows": {
                **many(ref("FlyteTriedFlow")),
                "description": "those with a step that waits for this event, by name",
            },
            "more": {**COUNT, "description": "such flows that are left out"},
            "starts": {
                **many(
                    shape(
                        {
                            "flow": TEXT,
                            "name": TEXT,
                            "trigger": TEXT,
                            "values": VALUES,
                            "condition": {**TEXT, "description": "its `if`, not judged here"},
                            "why": {**TEXT, "description": "why none starts; empty if one does"},
                        }
                    )
                ),
                "description": "the flows of floe with a trigger for this event",
            },
            "near": {
                **many(shape({"pack": TEXT, "event": TEXT})),
                "description": "if no flow waits for it: events that flows wait for",
            },
        }
    ),
    "FlyteTriedFlow": shape(
        {
            "id": TEXT,
            "name": TEXT,
            "steps": many(ref("FlyteTriedStep")),
            "failed": {**TEXT, "description": "why it could not be judged; empty if it was"},
        }
    ),
    "FlyteEvents": shape(
        {
            "events": many(
                shape(
                    {
                        "pack": TEXT,
                        "event": TEXT,
                        "payload": {**ANY, "description": "what templates read of it; or null"},
                    }
                )
            )
        }
    ),
    "FlyteTriedStep": shape(
        {
            **STEP,
            "outcome": one_of("fires", "labels", "criteria", "waits", "fault"),
            "why": {**TEXT, "description": "why it does not fire; empty if it does"},
        },
        {"action": ref("FlyteTriedAction"), "fault": ref("FlyteFault")},
    ),
    "FlyteTriedAction": shape(
        {
            "pack": TEXT,
            "labels": TEXTS,
            "command": TEXT,
            "input": ANY,
            "context": TEXTS,
            "waits": {**TEXT, "description": "why no pack would take it now; empty if one would"},
        }
    ),
    "FlyteFault": shape(PLACE, LINE),
    "FlyteSent": shape(
        {
            "judged": {**FLAG, "description": "whether its runs are known yet"},
            "runs": {**many(TEXT), "description": "ids of the runs that it opened"},
        }
    ),
    "FlyteFindings": shape(
        {
            "flow": TEXT,
            "name": TEXT,
            "templates": {
                **many(shape({**STEP, **PLACE}, LINE)),
                "description": "that cannot be read, whatever the event is",
            },
            "doubts": {**many(TEXT), "description": "allowed, and hardly meant"},
            "judged": many(
                shape({"host": TEXT, "count": COUNT, "newest": many(ref("InboxFinding"))})
            ),
            "away": {**many(TEXT), "description": "hosts that did not reply"},
        }
    ),
    "InboxFinding": shape(
        {"at": TEXT, "why": TEXT},
        {
            "about": {
                **shape({"pack": TEXT, "event": TEXT, "step": TEXT, **PLACE}, LINE),
                "description": "the event, the step and its template, where they are known",
            }
        },
    ),
}
