"""Functions of a template: signatures, and how their arguments are checked as Go does.

A signature is written in words: `"int text"`, with `...` behind the last one if it may repeat.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final, Literal, Protocol, get_args

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel
from floe.expr.gotext.go_values import ABSENT, Int64, NilMap, Value, wrong_type
from floe.expr.gotext.times import GoDuration
from floe.expr.gotext.tree import Constant
from floe.model.nouns import dataclass

Parameter = Literal[
    "any", "raw", "text", "int", "int64", "uint32", "float", "bool", "map", "time", "duration"
]
"""A type of Go that a parameter has; `raw` also takes what is absent."""

_NAMES: Final[Mapping[str, str]] = {
    "text": "string",
    "float": "float64",
    "map": "map[string]interface {}",
    "time": "time.Time",
    "duration": "time.Duration",
}


class TemplateWorld(Protocol):
    """What a template may learn of the world around it."""

    def now(self) -> int:
        """The instant, in nanoseconds since 1970."""
        ...

    def zone(self, name: str) -> tzinfo | None:
        """A time zone by its name in the database of zones, `Local` that of the host."""
        ...

    def chance(self, count: int) -> bytes:
        """So many random bytes that no one can guess."""
        ...

    def variable(self, name: str, scope: "Scope", *, is_kept: bool) -> Value:
        """The value of a variable of the flow, which may be kept. Raises ExpressionError."""
        ...


class Scope:
    """One render: what it may spend, its data, and the variables of the name that runs."""

    __slots__ = ("data", "fuel", "level", "out", "surroundings", "variables")

    def __init__(self, data: Value, surroundings: TemplateWorld, fuel: Fuel) -> None:
        self.data, self.surroundings, self.fuel = data, surroundings, fuel
        self.out: list[str] = []
        self.variables: list[Value] = []
        self.level = 0


Compute = Callable[..., Value]
"""A function of Go's: it gets the scope and its checked arguments."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: the types of its arguments, and what computes it."""

    parameters: tuple[str, ...]
    repeats: bool
    compute: Compute

    def parameter(self, index: int) -> str:
        """The type of an argument."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def check_count(self, count: int, name: str) -> None:
        """Refuse too few or too many arguments. Raises ExpressionError."""
        fixed = len(self.parameters) - self.repeats
        if count < fixed or (count > fixed and not self.repeats):
            least = "at least " if self.repeats else ""
            raise ExpressionError(
                f"wrong number of args for {name}: want {least}{fixed} got {count}"
            )


def function(signature: str, compute: Compute) -> Function:
    """A function by its signature in words."""
    words = signature.removesuffix("...").split()
    assert all(word in get_args(Parameter) for word in words)
    return Function(tuple(words), signature.endswith("..."), compute)


def checked(value: Value, parameter: str) -> Value:
    """An argument as a parameter takes it. Raises ExpressionError."""
    if parameter == "any":
        return None if value is ABSENT else value
    if parameter == "raw" or _FITS[parameter](value):
        return value
    if parameter == "map" and value is ABSENT:
        return NilMap()
    raise wrong_type(_NAMES.get(parameter, parameter), value)


def constant_for(constant: Constant, parameter: str) -> Value:
    """A literal as a parameter takes it. Raises ExpressionError."""
    value, is_number = constant.value, type(constant.value) in (int, float)
    if parameter in ("any", "raw"):
        return value
    if parameter == "float" and is_number:
        return float(value)
    if parameter in ("int", "int64", "uint32", "duration") and is_number:
        if constant.whole is None or (parameter == "uint32" and not 0 <= constant.whole < 1 << 32):
            raise ExpressionError(f"expected integer; found {value}")
        if parameter == "duration":
            return GoDuration(constant.whole)
        return Int64(constant.whole) if parameter == "int64" else constant.whole
    return checked(value, parameter)


_FITS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "text": lambda value: type(value) is str,
    "int": lambda value: type(value) is int,
    "int64": lambda value: type(value) is Int64,
    "uint32": lambda value: False,
    "float": lambda value: type(value) is float,
    "bool": lambda value: type(value) is bool,
    "map": lambda value: type(value) is dict or type(value) is NilMap,
    "time": lambda value: getattr(value, "go_type", "") == "time.Time",
    "duration": lambda value: getattr(value, "go_type", "") == "time.Duration",
}


def call(name: str, function: Function, scope: Scope, arguments: Sequence[Value]) -> Value:
    """Compute a function of checked arguments; Go's panics are errors. Raises ExpressionError."""
    scope.fuel.spend(1)
    try:
        return function.compute(scope, *arguments)
    except TooMuch:
        raise
    except ExpressionError as error:
        what = f"error calling {name}: {error.what}"
        raise ExpressionError(what, error.hint, error.offset) from error
    except ZeroDivisionError as error:
        raise ExpressionError(f"error calling {name}: integer divide by zero") from error
    except (ValueError, ArithmeticError, LookupError) as error:
        raise ExpressionError(f"error calling {name}: out of range") from error
