"""Steps into a value: `[key]` and `[start:stop:step]`."""

from collections.abc import Mapping

from floe.expr.errors import ExpressionError, Missing
from floe.expr.flow.list_filters import member
from floe.expr.fuel import Fuel
from floe.expr.values import is_list, kind_of, named
from floe.model.ids import Json


def indexed(value: Json, key: Json) -> Json:
    """A step into a value: an element of a list or map. Raises ExpressionError."""
    if is_list(value) and isinstance(key, int) and not isinstance(key, bool):
        if -len(value) <= key < len(value):
            return value[key]
        raise Missing(f"[{key}]", f"there is no element {key}")
    if isinstance(value, Mapping) and isinstance(key, str):
        return member(value, key)
    what = f"{named(kind_of(value))} has no elements by {named(kind_of(key))}"
    hint = "lists have them by whole numbers, maps by texts, and a part of a text is [0:1]"
    raise ExpressionError(what, hint)


def sliced(value: Json, start: Json, stop: Json, by: Json, fuel: Fuel) -> Json:
    """A step into a value: a part of a text or list. Raises ExpressionError."""
    if not isinstance(value, str) and not is_list(value):
        raise ExpressionError(f"only a text or a list has slices, not {named(kind_of(value))}")
    if by == 0:
        raise ExpressionError("the step of a slice cannot be 0")
    cut = slice(_bound(start), _bound(stop), _bound(by))
    count = len(range(*cut.indices(len(value))))
    if isinstance(value, str):
        fuel.make(count)
    else:
        fuel.spend(count)
    return value[cut]


def _bound(value: Json) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ExpressionError(f"a slice takes whole numbers, not {named(kind_of(value))}")
