"""The shapes of forms and of their answers, as JSON Schema."""

from collections.abc import Mapping
from typing import Final

from floe.server.json_schema import (
    ANY,
    COUNT,
    FLAG,
    INSTANT,
    POSITIVE,
    TEXT,
    VALUES,
    Schema,
    many,
    maybe,
    one_of,
    ref,
    shape,
)

FORM: Final = {
    "title": TEXT,
    "text": TEXT,
    "fields": many(ref("Field")),
    "approvers": one_of("anyone", "not-starter"),
}

FORM_SCHEMAS: Final[Mapping[str, Schema]] = {
    "Field": shape(
        {
            "id": TEXT,
            "prompt": TEXT,
            "type": one_of("text", "string", "bool", "number", "choice", "list"),
            "value": ANY,
            "required": FLAG,
            "choices": many(TEXT),
            "pattern": TEXT,
        },
        {"password": FLAG},
    ),
    "Form": shape(FORM),
    "OpenForm": shape(
        {
            "node": TEXT,
            **FORM,
            "asked_at": INSTANT,
            "before": {
                **many(shape({"id": TEXT, "name": TEXT})),
                "description": "the nearest nodes before it that printed something",
            },
        },
        {"visit": POSITIVE},
    ),
    "CallAddress": shape(
        {
            "node": TEXT,
            "visit": POSITIVE,
            "item": maybe(COUNT),
            "url": {**TEXT, "description": "empty while this host cannot make it"},
            "until": maybe(INSTANT),
            "fields": many(ref("Field")),
        }
    ),
    "OpenCall": shape(
        {
            "state": one_of("open", "answered", "over"),
            "until": maybe(INSTANT),
            "fields": many(ref("Field")),
        }
    ),
    "CallAnswered": shape({"answered": FLAG}),
    "ShownValue": shape({"name": TEXT, "text": TEXT}),
    "Acts": shape(
        {
            "hint": {**TEXT, "description": "what the state means for a person"},
            "acts": many(
                shape({"id": TEXT, "name": TEXT, "why": TEXT, "form": maybe(ref("Form"))})
            ),
        }
    ),
    "DoAct": shape({}, {"values": VALUES}),
    "Order": shape(
        {},
        {
            "ref": shape({"id": TEXT}, {"ver": POSITIVE}),
            "run": TEXT,
            "form": shape(
                {},
                {
                    "id": TEXT,
                    "values": VALUES,
                    "good": FLAG,
                    "visit": POSITIVE,
                    "why": {**TEXT, "description": "the reason of a rejection"},
                },
            ),
        },
    ),
}
