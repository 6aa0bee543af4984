"""Checks a value by a JSON Schema of draft 4, 6 or 7: why it does not fit, at the first place.

Source: https://json-schema.org, drafts 4, 6 and 7. `schemas` has found the schema without mistakes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

from floe.dialects.utask.schemas import SCHEMA_DEPTH_MAX, draft_of, resolved
from floe.expr.byte_patterns import BytesPattern
from floe.expr.errors import TooMuch
from floe.expr.fuel import Fuel
from floe.model.ids import Json

SCHEMA_FUEL: Final = 1_000_000
"""Of one check: each keyword of each part is a step."""

_TYPES: Final[Mapping[str, Callable[[Json], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and float(cast(float, value)).is_integer(),
}


def schema_fault(schema: Json, value: Json) -> str:
    """Why a value does not fit; empty if it does. Raises ExpressionError for too much work."""
    checker = _Checker(schema)
    return next(checker.faults(schema, value, "#", 0), "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_equal(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1, and 1.0 is 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return one == other


class _Checker:
    def __init__(self, schema: Json) -> None:
        self._root = cast(Mapping[str, Json], schema if isinstance(schema, Mapping) else {})
        self._draft = draft_of(self._root)
        self._fuel = Fuel(SCHEMA_FUEL)

    def faults(self, schema: Json, value: Json, where: str, depth: int) -> Iterator[str]:
        """What is wrong with a value at a place."""
        if depth > 2 * SCHEMA_DEPTH_MAX:
            raise TooMuch("the schema has too many levels")
        if schema is False:
            yield f"{where} may not be there"
        if not isinstance(schema, Mapping):
            return
        self._fuel.spend(1 + len(schema))
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield from self.faults(resolved(reference, self._root), value, where, depth + 1)
            return
        yield from self._any(schema, value, where, depth + 1)
        if isinstance(value, str):
            yield from self._text(schema, value, where)
        elif isinstance(value, Mapping):
            yield from self._object(schema, value, where, depth + 1)
        elif isinstance(value, list | tuple):
            yield from self._array(schema, value, where, depth + 1)
        elif _is_number(value):
            yield from self._number(schema, cast(float, value), where)

    def _fits(self, schema: Json, value: Json, where: str, depth: int) -> bool:
        return next(self.faults(schema, value, where, depth), None) is None

    def _any(
        self, schema: Mapping[str, Json], value: Json, where: str, depth: int
    ) -> Iterator[str]:
        types = schema.get("type")
        if types is not None:
            names = [types] if isinstance(types, str) else cast(list[str], types)
            if not any(_TYPES[name](value) for name in names):
                yield f"{where} is {_kind(value)}, and not {' or '.join(names)}"
        if "enum" in schema and not any(
            _is_equal(value, one) for one in cast(list[Json], schema["enum"])
        ):
            yield f"{where} is none of the values of `enum`"
        if "const" in schema and self._draft > 4 and not _is_equal(value, schema["const"]):
            yield f"{where} is not the value of `const`"
        for one in _list(schema, "allOf"):
            yield from self.faults(one, value, where, depth)
        if "anyOf" in schema and not any(
            self._fits(one, value, where, depth) for one in _list(schema, "anyOf")
        ):
            yield f"{where} fits no part of `anyOf`"
        if "oneOf" in schema:
            fitting = sum(self._fits(one, value, where, depth) for one in _list(schema, "oneOf"))
            if fitting != 1:
                yield f"{where} fits {fitting} parts of `oneOf`, and not one"
        if "not" in schema and self._fits(schema["not"], value, where, depth):
            yield f"{where} fits `not`"
        if "if" in schema and self._draft == 7:
            key = "then" if self._fits(schema["if"], value, where, depth) else "else"
            yield from self.faults(schema.get(key), value, where, depth)

    def _text(self, schema: Mapping[str, Json], value: str, where: str) -> Iterator[str]:
        yield from _counted(schema, "Length", len(value), where, "characters")
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not self._is_found(pattern, value):
            yield f"{where} does not fit `pattern`"

    def _number(self, schema: Mapping[str, Json], value: float, where: str) -> Iterator[str]:
        for key, sign in (("inimum", 1), ("aximum", -1)):
            limit = schema.get(f"m{key}")
            excluded = schema.get(f"exclusiveM{key}")
            if _is_number(limit):
                beyond = (value - cast(float, limit)) * sign
                if beyond < 0 or (beyond == 0 and excluded is True):
                    yield f"{where} is outside of `m{key}`"
            if _is_number(excluded) and (value - cast(float, excluded)) * sign <= 0:
                yield f"{where} is outside of `exclusiveM{key}`"
        step = schema.get("multipleOf")
        if _is_number(step) and Decimal(str(value)) % Decimal(str(step)):
            yield f"{where} is not a multiple of `multipleOf`"

    def _array(
        self, schema: Mapping[str, Json], value: Sequence[Json], where: str, depth: int
    ) -> Iterator[str]:
        yield from _counted(schema, "Items", len(value), where, "elements")
        if schema.get("uniqueItems") is True:
            self._fuel.spend(len(value) ** 2)
            if any(_is_equal(one, other) for at, one in enumerate(value) for other in value[:at]):
                yield f"{where} has an element twice"
        items = schema.get("items")
        listed = items if isinstance(items, list | tuple) else None
        for at, one in enumerate(value):
            if listed is None:
                part = items
            else:
                part = listed[at] if at < len(listed) else schema.get("additionalItems")
            yield from self.faults(part, one, f"{where}/{at}", depth)
        if "contains" in schema and self._draft > 4:
            part = schema["contains"]
            if not any(self._fits(part, one, where, depth) for one in value):
                yield f"{where} has no element that fits `contains`"

    def _object(
        self, schema: Mapping[str, Json], value: Mapping[str, Json], where: str, depth: int
    ) -> Iterator[str]:
        yield from _counted(schema, "Properties", len(value), where, "members")
        for name in _list(schema, "required"):
            if name not in value:
                yield f"{where} lacks {name!r}"
        properties = _map(schema, "properties")
        patterns = _map(schema, "patternProperties")
        for name, one in value.items():
            parts = [properties[name]] if name in properties else []
            parts += [part for pattern, part in patterns.items() if self._is_found(pattern, name)]
            if not parts and "additionalProperties" in schema:
                parts = [schema["additionalProperties"]]
            for part in parts:
                yield from self.faults(part, one, f"{where}/{name}", depth)
            if "propertyNames" in schema and self._draft > 4:
                yield from self.faults(schema["propertyNames"], name, f"{where}/{name}", depth)
        for name, needed in _map(schema, "dependencies").items():
            if name not in value:
                continue
            if isinstance(needed, list | tuple):
                yield from (f"{where} lacks {one!r}" for one in needed if one not in value)
            else:
                yield from self.faults(needed, value, where, depth)

    def _is_found(self, pattern: str, text: str) -> bool:
        data = text.encode(errors="replace")
        compiled = BytesPattern(pattern.encode(errors="replace"), self._fuel)
        return compiled.search(data, 0, self._fuel) is not None


def _counted(
    schema: Mapping[str, Json], what: str, count: int, where: str, noun: str
) -> Iterator[str]:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if _is_number(least) and count < cast(float, least):
        yield f"{where} has {count} {noun}, and not {least} or more"
    if _is_number(most) and count > cast(float, most):
        yield f"{where} has {count} {noun}, and not {most} or fewer"


def _list(schema: Mapping[str, Json], key: str) -> Sequence[Any]:
    found = schema.get(key)
    return found if isinstance(found, list | tuple) else ()


def _map(schema: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


def _kind(value: Json) -> str:
    return next(name for name, fits in _TYPES.items() if fits(value))
