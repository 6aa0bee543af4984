"""DotFields of maps and methods of values: what `.name` means behind a value."""

from collections.abc import Callable, Sequence
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, Scope, call, checked, constant_for, function
from floe.expr.gotext.go_values import ABSENT, GoNamed, Int64, NumberText, Value, type_of
from floe.expr.gotext.numbers import read_float, read_int64
from floe.expr.gotext.time_methods import DURATION_METHODS, TIME_METHODS
from floe.expr.gotext.tree import Constant
from floe.expr.gotext.versions import VERSION_METHODS

Argument = Callable[[Scope, Value, str], Value]
"""How an argument is computed: by scope, dot and the type of the parameter."""


def _whole(text: NumberText) -> Int64:
    number = read_int64(text, 10)
    if number is None:
        raise ExpressionError("the number is no int64")
    return Int64(number)


def _fraction(text: NumberText) -> float:
    number = read_float(text)
    if number is None:
        raise ExpressionError("the number is no float64")
    return number


METHODS: Final = {
    "json.Number": {
        "Int64": function("", lambda _, text: _whole(text)),
        "Float64": function("", lambda _, text: _fraction(text)),
        "String": function("", lambda _, text: str(text)),
    },
    "time.Time": TIME_METHODS,
    "time.Duration": DURATION_METHODS,
    "*semver.Version": VERSION_METHODS,
    "uuid.UUID": {"String": function("", lambda _, uuid: uuid.text())},
}
"""The methods of values by Go's name of their type; each gets the value as its first argument."""


def member(
    scope: Scope, dot: Value, value: Value, name: str, arguments: Sequence[Argument] = ()
) -> Value:
    """A key of a map or the result of a method; absent if the key is. Raises ExpressionError."""
    if isinstance(value, dict):
        if arguments:
            raise ExpressionError(f"{name} is not a method but has arguments")
        return value.get(name, ABSENT)
    if value is ABSENT:
        return ABSENT
    if value is None:
        raise ExpressionError(f"nil pointer evaluating interface {{}}.{name}")
    if isinstance(value, GoNamed | NumberText):
        method = METHODS.get(type_of(value), {}).get(name)
        if method is not None:
            return _called(scope, dot, value, name, method, arguments)
    raise ExpressionError(f"can't evaluate field {name} in type interface {{}}")


def _called(
    scope: Scope,
    dot: Value,
    value: Value,
    name: str,
    method: Function,
    arguments: Sequence[Argument],
) -> Value:
    method.check_count(len(arguments), name)
    given = [one(scope, dot, method.parameter(at)) for at, one in enumerate(arguments)]
    return call(name, method, scope, [value, *given])


def members(scope: Scope, dot: Value, value: Value, names: Sequence[str]) -> Value:
    """A value behind several names. Raises ExpressionError."""
    for name in names:
        value = value.get(name, ABSENT) if type(value) is dict else member(scope, dot, value, name)
    return value


def given(value: Value) -> Argument:
    """An argument that is known: what a pipeline passes on."""
    return lambda scope, dot, parameter: checked(value, parameter)


def literal(constant: Constant) -> Argument:
    """An argument that is a literal."""
    return lambda scope, dot, parameter: constant_for(constant, parameter)
