"""Short names for parts of JSON Schema, for `schemas` and `routes`."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
POSITIVE: Final[Schema] = {"type": "integer", "minimum": 1}
SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
ANY: Final[Schema] = {"description": "any JSON value"}
TEXTS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}
VALUES: Final[Schema] = {"type": "object", "additionalProperties": True}
INSTANT: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "examples": ["2026-11-21T10:00:00.123Z"],
}


def ref(name: str) -> Schema:
    """A reference to a schema of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*words: str) -> Schema:
    """One of several words."""
    return {"type": "string", "enum": list(words)}


def shape(
    always: Mapping[str, Schema], sometimes: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    """The schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": {**always, **(sometimes or {})},
        "required": list(always),
        "additionalProperties": False,
    }
