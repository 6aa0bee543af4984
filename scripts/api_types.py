"""Writes the schemas of the API and of the feed as TypeScript types, for the checker of webapp/.

`scripts/api-types` runs it. The file it writes is kept in git, and a test compares the two.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from floe.server.frame_schemas import FRAMES
from floe.server.schemas import SCHEMAS

FILE: Final = Path(__file__).parents[1] / "webapp/types/schemas.d.ts"
HEAD: Final = """\
// The bodies of the API and the frames of the feed. scripts/api-types makes this file from
// floe/server/schemas.py and floe/server/frame_schemas.py.
"""
WIDTH_MAX: Final = 120
"""Columns of a line; the formatter breaks longer ones."""
PLAIN: Final = {
    "string": "string",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "null": "null",
}


def text() -> str:
    """The file as the schemas have it, formatted as the formatter of webapp/ wants it."""
    return "\n".join((HEAD, *(_named(*named) for named in {**SCHEMAS, **FRAMES}.items())))


def _named(name: str, schema: Mapping[str, Any]) -> str:
    body = _type(schema, 0)
    line = f"export type {name} = {body};\n"
    if "\n" in body or len(line) <= WIDTH_MAX:
        return line
    lines = "".join(f"\n  | {choice}" for choice in body.split(" | "))
    return f"export type {name} ={lines};\n"


def _type(schema: Mapping[str, Any], depth: int) -> str:
    match schema:
        case {"$ref": name}:
            return str(name).rpartition("/")[2]
        case {"anyOf": choices}:
            return " | ".join(_type(one, depth) for one in choices)
        case {"const": word}:
            return json.dumps(word)
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
        if "description" in schema:
            lines.append(f"{pad}/** {schema['description']} */\n")
        mark = "" if name in required else "?"
        type_ = f" {_type(schema, depth + 1)}"
        if "enum" in schema and len(f"{pad}{name}{mark}:{type_};") > WIDTH_MAX:
            type_ = "".join(f"\n{pad}  | {choice}" for choice in type_.strip().split(" | "))
        lines.append(f"{pad}{name}{mark}:{type_};\n")
    return "{\n" + "".join(lines) + "  " * depth + "}"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
