"""Functions of maps, copies and types.

Source: https://masterminds.github.io/sprig/dicts.html, /reflection.html.
"""

from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Function, Scope, checked, function
from floe.expr.gotext.go_values import (
    NilMap,
    TextList,
    TextMap,
    Value,
    copied,
    deeper,
    in_order,
    is_empty,
    kind_of,
    same,
    type_of,
)
from floe.expr.gotext.text_functions import as_text


def _dict(scope: Scope, *values: Value) -> dict[str, Value]:
    scope.fuel.spend(len(values))
    keys = [as_text(key, scope.fuel) for key in values[::2]]
    given = [*values[1::2], *([""] if len(values) % 2 else [])]
    return dict(zip(keys, given, strict=True))


def _set(_: Scope, target: Value, key: str, value: Value) -> Value:
    if isinstance(target, NilMap):
        raise ExpressionError("assignment to entry in nil map")
    target[key] = value
    return target


def _unset(_: Scope, target: Value, key: str) -> Value:
    target.pop(key, None)
    return target


def _pluck(scope: Scope, key: str, *maps: Value) -> list[Value]:
    scope.fuel.spend(len(maps))
    return [one[key] for one in maps if key in one]


def _keys(scope: Scope, *maps: Value) -> TextList:
    scope.fuel.spend(sum(map(len, maps)))
    return TextList(key for one in maps for key in in_order(one))


def _values(scope: Scope, given: Value) -> list[Value]:
    scope.fuel.spend(len(given))
    return [given[key] for key in in_order(given)]


def _pick(scope: Scope, given: Value, *keys: str) -> dict[str, Value]:
    scope.fuel.spend(len(keys))
    return {key: given[key] for key in keys if key in given}


def _omit(scope: Scope, given: Value, *keys: str) -> dict[str, Value]:
    scope.fuel.spend(len(given))
    return {key: one for key, one in given.items() if key not in keys}


def _dig(scope: Scope, *given: Value) -> Value:
    """`dig key… default map`: a value deep in a map; what is no map on the way is an error."""
    if len(given) < 3:
        raise ExpressionError("dig needs at least three arguments")
    *keys, default, value = given
    for key in keys:
        if type(key) is not str:
            raise ExpressionError(f"interface conversion: interface {{}} is {type_of(key)}")
        if type(value) is not dict:
            raise ExpressionError(f"interface conversion: interface {{}} is {type_of(value)}")
        if key not in value:
            return default
        value = value[key]
    return value


def _merged(
    target: dict[str, Value], source: dict[str, Value], fuel: Fuel, depth: int, *, is_over: bool
) -> None:
    """Fill a map from another one, deep; the target's values stay unless empty or overwritten."""
    deeper(depth)
    for key in in_order(source):
        fuel.spend(1)
        value, present = source[key], target.get(key)
        if type(value) is dict and type(present) is dict and present:
            if value is not present:
                _merged(present, value, fuel, depth + 1, is_over=is_over)
        elif key not in target or is_empty(present) or (is_over and not is_empty(value)):
            target[key] = value


def _merge(scope: Scope, target: Value, *sources: Value, is_over: bool = False) -> Value:
    if isinstance(target, NilMap):
        target = {}
    for source in sources:
        _merged(target, source, scope.fuel, 0, is_over=is_over)
    return target


def _merge_over(scope: Scope, target: Value, *sources: Value) -> Value:
    return _merge(scope, target, *sources, is_over=True)


def _copied(scope: Scope, value: Value) -> Value:
    if value is None:
        raise ExpressionError("reflect: New(nil)")
    return copied(value, scope.fuel)


def _is_type_like(name: str, value: Value) -> bool:
    return type_of(value) in (name, f"*{name}")


def field(value: Value, keys: tuple[str, ...]) -> Value:
    """A value behind literal keys; none if one is missing or no map is on the way."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _field_from(_: Scope, *given: Value) -> Value:
    if len(given) < 2:
        raise ExpressionError("invalid number of parameters given")
    *keys, value = given
    if not isinstance(value, dict) or isinstance(value, TextMap):
        raise ExpressionError("unable to cast given data to a map[string]")
    return field(value, tuple(checked(key, "text") for key in keys))


MAPS: Final[dict[str, Function]] = {
    "deepCopy": function("any", _copied),
    "deepEqual": function("any any", lambda scope, one, two: same(one, two, scope.fuel)),
    "dict": function("any...", _dict),
    "dig": function("any...", _dig),
    "field": function("text...", lambda scope, *keys: field(scope.data, keys)),
    "fieldFrom": function("any...", _field_from),
    "get": function("map text", lambda _, given, key: given.get(key, "")),
    "hasKey": function("map text", lambda _, given, key: key in given),
    "keys": function("map...", _keys),
    "kindIs": function("text any", lambda _, kind, value: kind_of(value) == kind),
    "kindOf": function("any", lambda _, value: kind_of(value)),
    "merge": function("map map...", _merge),
    "mergeOverwrite": function("map map...", _merge_over),
    "mustDeepCopy": function("any", _copied),
    "mustMerge": function("map map...", _merge),
    "mustMergeOverwrite": function("map map...", _merge_over),
    "omit": function("map text...", _omit),
    "pick": function("map text...", _pick),
    "pluck": function("text map...", _pluck),
    "set": function("map text any", _set),
    "typeIs": function("text any", lambda _, name, value: type_of(value) == name),
    "typeIsLike": function("text any", lambda _, name, value: _is_type_like(name, value)),
    "typeOf": function("any", lambda _, value: type_of(value)),
    "unset": function("map text", _unset),
    "values": function("map", _values),
}
