"""Writes the schemas of the API as TypeScript types, for the checker of the dashboard.

`scripts/api-types` runs it. The file it writes is kept in git, and a test compares the two.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from floe.server.schemas import SCHEMAS

FILE: Final = Path(__file__).parents[1] / "webapp/types/schemas.d.ts"
HEAD: Final = "// What the API answers. Made by scripts/api-types of floe/server/schemas.py.\n"
PLAIN: Final = {
    "string": "string",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "null": "null",
}


def text() -> str:
    """The file as the schemas have it, formatted as the formatter of webapp/ wants it."""
    types = (f"export type {name} = {_type(schema, 0)};\n" for name, schema in SCHEMAS.items())
    return "\n".join((HEAD, *types))


def _type(schema: Mapping[str, Any], depth: int) -> str:
    match schema:
        case {"$ref": name}:
            return str(name).rpartition("/")[2]
        case {"anyOf": choices}:
            return " | ".join(_type(one, depth) for one in choices)
        case {"enum": words}:
            return " | ".join(json.dumps(word) for word in words)
        case {"type": "array", "items": items}:
            inner = _type(items, depth)
            return f"({inner})[]" if "enum" in items or "anyOf" in items else f"{inner}[]"
        case {"type": "object", "properties": members}:
            return _object(members, schema["required"], depth)
        case {"type": "object", "additionalProperties": True}:
            return "Record<string, unknown>"
        case {"type": "object", "additionalProperties": values}:
            return f"Record<string, {_type(values, depth)}>"
        case {"type": kind}:
            return PLAIN[kind]
        case _:
            return "unknown"


def _object(members: Mapping[str, Any], required: Sequence[str], depth: int) -> str:
    if not members:
        return "Record<string, never>"
    pad = "  " * (depth + 1)
    lines = []
    for name, schema in members.items():
        if "type" in schema and "description" in schema:
            lines.append(f"{pad}/** {schema['description']} */\n")
        mark = "" if name in required else "?"
        lines.append(f"{pad}{name}{mark}: {_type(schema, depth + 1)};\n")
    return "{\n" + "".join(lines) + "  " * depth + "}"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
