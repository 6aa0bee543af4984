"""JSON Schemas of outputs: mistakes in them (drafts 4, 6 and 7), and the properties they name.

Source: https://json-schema.org, the meta-schemas of drafts 4, 6 and 7.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from floe.expr.patterns import fault_of
from floe.model.ids import Json

SCHEMA_DEPTH_MAX: Final = 60

DRAFTS: Final = {
    "http://json-schema.org/draft-04/schema": 4,
    "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7,
    "http://json-schema.org/schema": 7,
    "https://json-schema.org/draft-04/schema": 4,
    "https://json-schema.org/draft-06/schema": 6,
    "https://json-schema.org/draft-07/schema": 7,
}
DRAFT_DEFAULT: Final = 7

ROOT_KEY: Final = "utaskRootKey"
"""A property that no schema may define."""

_TYPES: Final = ("null", "boolean", "object", "array", "number", "string", "integer")
_ONE: Final = ("not", "if", "then", "else", "contains", "propertyNames", "additionalItems")
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_MAPS: Final = ("properties", "definitions", "patternProperties")
_COUNTS: Final = (
    *("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"),
)
_TEXTS: Final = ("$id", "id", "$schema", "$ref", "$comment", "title", "description", "format")


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Json) -> bool:
    if isinstance(value, float):
        return value.is_integer() and value >= 0
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: Json) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return False
    return len(set(map(str, value))) == len(value)


def _is_types(value: Json) -> bool:
    given = value if isinstance(value, list) else [value]
    return bool(given) and _is_texts(given) and all(one in _TYPES for one in given)


_KEYWORDS: Final[Mapping[str, tuple[Callable[[Json], bool], str]]] = {
    **dict.fromkeys(_COUNTS, (_is_count, "a whole number from 0")),
    **dict.fromkeys(_TEXTS, (lambda value: isinstance(value, str), "a text")),
    "type": (_is_types, "a type of JSON, or a list of some"),
    "minimum": (_is_number, "a number"),
    "maximum": (_is_number, "a number"),
    "multipleOf": (
        lambda value: isinstance(value, int | float) and _is_number(value) and value > 0,
        "a number above 0",
    ),
    "uniqueItems": (lambda value: isinstance(value, bool), "a bool"),
    "required": (_is_texts, "a list of different texts"),
    "enum": (lambda value: isinstance(value, list), "a list"),
    "examples": (lambda value: isinstance(value, list), "a list"),
    "readOnly": (lambda value: isinstance(value, bool), "a bool"),
    **dict.fromkeys(_MAPS, (lambda value: isinstance(value, dict), "a map of schemas")),
    "dependencies": (lambda value: isinstance(value, dict), "a map"),
    **dict.fromkeys(
        _LISTS, (lambda value: isinstance(value, list) and bool(value), "a list of schemas")
    ),
}


def schema_faults(schema: Json) -> list[str]:
    """What is wrong with a schema of an output."""
    if not isinstance(schema, dict):
        return ["a schema is a map"]
    declared, faults = schema.get("$schema"), []
    if declared is not None and _declared(declared) is None:
        return [f"unknown $schema {declared!r}: floe knows drafts 4, 6 and 7"]
    draft = draft_of(schema)
    for where, part in _parts(schema, "#", 0):
        faults += [f"{where}: {fault}" for fault in _part_faults(part, schema, draft)]
    return faults


def draft_of(schema: Mapping[str, Json]) -> int:
    """The draft that a schema follows."""
    version = schema.get("version")
    if "$schema" not in schema and isinstance(version, int) and version in (4, 6, 7):
        return version
    return _declared(schema.get("$schema")) or DRAFT_DEFAULT


def _declared(schema: Json) -> int | None:
    return DRAFTS.get(schema.removesuffix("#")) if isinstance(schema, str) else None


def _children(part: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """The schemas in a schema."""
    for key in (*_ONE, "additionalProperties"):
        if key in part:
            yield key, part[key]
    items = part.get("items", True)
    if isinstance(items, list):
        yield from ((f"items/{at}", one) for at, one in enumerate(items))
    else:
        yield "items", items
    for key in _LISTS:
        many = part.get(key)
        if isinstance(many, list):
            yield from ((f"{key}/{at}", one) for at, one in enumerate(many))
    for key in _MAPS:
        named = part.get(key)
        if isinstance(named, dict):
            yield from ((f"{key}/{name}", one) for name, one in named.items())
    dependencies = part.get("dependencies")
    if isinstance(dependencies, dict):
        for name, one in dependencies.items():
            if not isinstance(one, list):
                yield f"dependencies/{name}", one


def _parts(part: Json, where: str, depth: int) -> Iterator[tuple[str, Json]]:
    """A schema and all schemas in it."""
    yield where, part
    if isinstance(part, dict) and depth < SCHEMA_DEPTH_MAX:
        for name, child in _children(part):
            yield from _parts(child, f"{where}/{name}", depth + 1)


def _part_faults(part: Json, root: Mapping[str, Json], draft: int) -> Iterator[str]:
    if not isinstance(part, dict):
        if not isinstance(part, bool):
            yield "a schema is a map or a bool"
        return
    for key, value in part.items():
        fits, expected = _KEYWORDS.get(key, (_fits, ""))
        if not fits(value):
            yield f"`{key}` is {expected}"
    for key in ("exclusiveMinimum", "exclusiveMaximum"):
        value = part.get(key, draft == 4 or 0)
        if not (isinstance(value, bool) if draft == 4 else _is_number(value)):
            yield f"`{key}` is a {'bool' if draft == 4 else 'number'} in draft {draft}"
    if draft == 4 and part.get("required") == []:
        yield "`required` is not empty in draft 4"
    if draft == 4 and part.get("enum") == []:
        yield "`enum` is not empty in draft 4"
    patterns = part.get("patternProperties")
    for pattern in (part.get("pattern"), *(patterns if isinstance(patterns, dict) else ())):
        if pattern is None:
            continue
        if not isinstance(pattern, str):
            yield "`pattern` is a text"
        elif fault := fault_of(pattern):
            yield f"a pattern is not valid: {fault}"
    reference = part.get("$ref")
    if isinstance(reference, str) and resolved(reference, root) is None:
        yield f"invalid $ref {reference}"


def _fits(_: Json) -> bool:
    return True


def resolved(reference: str, root: Mapping[str, Json]) -> Json:
    """The schema that a `$ref` leads to; None if it leads nowhere in this document."""
    if not reference.startswith("#"):
        return {} if reference.removesuffix("#") in DRAFTS else None
    found: Json = root
    for part in reference[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found if reference in ("#",) or reference.startswith("#/") else None


class Properties:
    """The properties that a schema names, with those under each name."""

    def __init__(self, schema: Json) -> None:
        self._root = schema if isinstance(schema, dict) else {}
        self._under: dict[str, set[str]] = {}
        self._seen: set[tuple[int, str]] = set()
        self._collect(self._root, ROOT_KEY, 0)

    @property
    def has_root_key(self) -> bool:
        """Whether a property has the name that stands for the root."""
        return any(ROOT_KEY in names for names in self._under.values())

    def have(self, path: list[str]) -> bool:
        """Whether each name of a path is a property of the one before it."""
        names = [ROOT_KEY, *path]
        return all(
            name in self._under.get(above, ()) for above, name in zip(names, path, strict=False)
        )

    def _collect(self, part: Json, above: str, depth: int) -> None:
        if not isinstance(part, dict) or (id(part), above) in self._seen:
            return
        self._seen.add((id(part), above))
        if depth > SCHEMA_DEPTH_MAX:
            return
        reference = part.get("$ref")
        if isinstance(reference, str):
            self._collect(resolved(reference, self._root), above, depth + 1)
        for key in ("not", "if", "then", "else"):
            self._collect(part.get(key), above, depth + 1)
        for key in _LISTS:
            many = part.get(key)
            for one in many if isinstance(many, list) else ():
                self._collect(one, above, depth + 1)
        properties = part.get("properties")
        for name, one in properties.items() if isinstance(properties, dict) else ():
            self._under.setdefault(above, set()).add(name)
            self._collect(one, name, depth + 1)
