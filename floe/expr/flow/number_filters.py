"""Filters that make numbers."""

import math
import re
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.values import exact
from floe.model.ids import Json

NONE: Final = object()
"""No default is given."""

CHARS_MAX: Final = 400
"""Of a text that is read as a number."""


_NUMBER: Final = re.compile(
    r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*", re.ASCII
)


def whole(value: str | int | float, default: object, fuel: Fuel) -> Json:
    """Number filter: a whole number: of a text, or of a number without its fraction."""
    return _number(value, default, "int", "a whole number")


def floating(value: str | int | float, default: object, fuel: Fuel) -> Json:
    """Number filter: a number with a fraction."""
    return _number(value, default, "float", "a number")


def rounded(value: int | float, precision: int | float, method: str, fuel: Fuel) -> Json:
    """Number filter: rounded to a whole one, unless it keeps digits. Halves go to the even one."""
    if not isinstance(precision, int) or not 0 <= precision <= 15:
        raise ExpressionError("`round` keeps 0 to 15 digits")
    if method not in ("common", "ceil", "floor"):
        raise ExpressionError("`round` has the methods common, ceil and floor")
    number = exact(value)
    if method == "common":
        return round(number, precision) if precision else round(number)
    to_whole = math.ceil if method == "ceil" else math.floor
    if isinstance(number, int) or not precision:
        return exact(to_whole(number))
    scaled = exact(number * 10**precision)
    return exact(to_whole(scaled) / 10**precision)


def _number(value: str | int | float, default: object, name: str, due: str) -> Json:
    if not isinstance(value, str) or (len(value) <= CHARS_MAX and _NUMBER.fullmatch(value)):
        try:
            return exact(float(value) if name == "float" else int(value))
        except (ValueError, OverflowError, ExpressionError):
            pass  # such as 1.5 for a whole number, or more than 64 bits
    if default is not NONE:
        return default  # type: ignore[return-value]  # an argument is JSON
    raise ExpressionError(f"`{name}` takes a text that is {due}", f"{name}(0) gives 0 instead")
