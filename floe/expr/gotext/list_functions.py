"""Functions of lists, and of what is unset.

Source: https://masterminds.github.io/sprig/lists.html, /defaults.html.
"""

from collections.abc import Callable
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import (
    ABSENT,
    ListOfLists,
    Value,
    is_empty,
    is_list,
    kind_of,
    same,
)
from floe.expr.gotext.numbers import to_int64


def _listed(scope: Scope, value: Value, what: str) -> list[Value]:
    """A list for a function that goes through it. Raises ExpressionError."""
    if not is_list(value):
        raise ExpressionError(f"Cannot {what} on type {kind_of(value)}")
    scope.fuel.spend(len(value))
    return list(value)


def _has(scope: Scope, needle: Value, values: Value) -> bool:
    if values is None:
        return False
    return any(same(needle, one, scope.fuel) for one in _listed(scope, values, "find has"))


def _uniq(scope: Scope, values: Value) -> list[Value]:
    made: list[Value] = []
    for one in _listed(scope, values, "find uniq"):
        if not any(same(one, other, scope.fuel) for other in made):
            made.append(one)
    return made


def _without(scope: Scope, values: Value, *omitted: Value) -> list[Value]:
    return [
        one
        for one in _listed(scope, values, "find without")
        if not any(same(one, other, scope.fuel) for other in omitted)
    ]


def _slice(scope: Scope, values: Value, *bounds: Value) -> Value:
    if not is_list(values):
        raise ExpressionError(f"list should be type of slice or array but {kind_of(values)}")
    if not values:
        return None
    scope.fuel.spend(len(values))
    start = to_int64(bounds[0]) if bounds else 0
    end = to_int64(bounds[1]) if len(bounds) > 1 else len(values)
    if not 0 <= start <= end <= len(values):
        raise ExpressionError("slice bounds out of range")
    return type(values)(values[start:end])


def _chunk(scope: Scope, size: int, values: Value) -> ListOfLists:
    given = _listed(scope, values, "chunk")
    if size <= 0 and given:
        raise ExpressionError("integer divide by zero" if not size else "makeslice: out of range")
    return ListOfLists(given[at : at + size] for at in range(0, len(given), max(size, 1)))


def _concat(scope: Scope, *lists: Value) -> list[Value]:
    made: list[Value] = []
    for one in lists:
        made += _listed(scope, one, "concat type")
    return made


def _element(what: str, at: int) -> Callable[[Scope, Value], Value]:
    def compute(scope: Scope, values: Value) -> Value:
        if not is_list(values):
            raise ExpressionError(f"Cannot find {what} on type {kind_of(values)}")
        return values[at] if values else None

    return compute


def _part(what: str, part: slice) -> Callable[[Scope, Value], Value]:
    def compute(scope: Scope, values: Value) -> Value:
        return _listed(scope, values, f"find {what}")[part]

    return compute


def _coalesce(_: Scope, *values: Value) -> Value:
    return next((one for one in values if not is_empty(one)), None)


def _default(_: Scope, default: Value, *given: Value) -> Value:
    return default if not given or is_empty(given[0]) else given[0]


def _compact(scope: Scope, values: Value) -> list[Value]:
    return [one for one in _listed(scope, values, "compact") if not is_empty(one)]


def _list(scope: Scope, *values: Value) -> list[Value]:
    scope.fuel.spend(len(values))
    return [None if one is ABSENT else one for one in values]


_PUSH: Final = function(
    "any any", lambda scope, values, one: [*_listed(scope, values, "push"), one]
)
_MUST: Final[dict[str, Function]] = {
    "append": _PUSH,
    "chunk": function("int any", _chunk),
    "compact": function("any", _compact),
    "first": function("any", _element("first", 0)),
    "has": function("any any", _has),
    "initial": function("any", _part("initial", slice(None, -1))),
    "last": function("any", _element("last", -1)),
    "prepend": function(
        "any any", lambda scope, values, one: [one, *_listed(scope, values, "prepend")]
    ),
    "push": _PUSH,
    "rest": function("any", _part("rest", slice(1, None))),
    "reverse": function("any", _part("reverse", slice(None, None, -1))),
    "slice": function("any any...", _slice),
    "uniq": function("any", _uniq),
    "without": function("any any...", _without),
}

LISTS: Final[dict[str, Function]] = {
    **_MUST,
    **{f"must{name[0].upper()}{name[1:]}": one for name, one in _MUST.items()},
    "all": function("any...", lambda _, *values: not any(map(is_empty, values))),
    "any": function("any...", lambda _, *values: not all(map(is_empty, values))),
    "coalesce": function("any...", _coalesce),
    "concat": function("any...", _concat),
    "default": function("any any...", _default),
    "empty": function("any", lambda _, value: is_empty(value)),
    "list": function("any...", _list),
    "ternary": function("any any bool", lambda _, yes, no, is_yes: yes if is_yes else no),
    "tuple": function("any...", _list),
}
