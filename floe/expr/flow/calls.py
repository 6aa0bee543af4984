"""Calls of filters and tests: their names and arguments are checked once, values at each call."""

from collections.abc import Callable, Iterable
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.flow.each import EACH, OPERATORS, TESTS, compared, mapped, matching, selected
from floe.expr.flow.filters import FILTERS, NEEDED, Filter, Param
from floe.expr.flow.list_filters import member
from floe.expr.flow.tree import FilterCall, Literal, Part
from floe.expr.fuel import Fuel
from floe.expr.values import is_list, kind_of, listed, named
from floe.model.ids import Json
from floe.model.template import Path

Values = Callable[[Path], Json]
"""The value of a path. Raises Unknown."""

Run = Callable[[Values, Fuel], Json]
"""A compiled part."""

Compile = Callable[[Part], Run]

Applied = Callable[[Json, Values, Fuel], Json]
"""A filter with its arguments."""

Test = Callable[[Json, Fuel], bool]


def applied(call: FilterCall, compiled: Compile) -> Applied:
    """The function of a filter with its arguments. Raises ExpressionError."""
    if call.name in EACH:
        return _of_map(call, compiled) if call.name == "map" else _of_select(call, compiled)
    filter_ = _known(call)
    name, takes, run = call.name, filter_.takes, filter_.run
    arguments = [
        (param, None if given is None else compiled(given))
        for param, given in bound(call, filter_.params)
    ]

    def apply(value: Json, values: Values, fuel: Fuel) -> Json:
        if kind_of(value) not in takes:
            raise ExpressionError(f"`{name}` takes {listed(takes)}, not {named(kind_of(value))}")
        given: list[object] = []
        for param, argument in arguments:
            if argument is None:
                given.append(param.default)
                continue
            found = argument(values, fuel)
            if kind_of(found) not in param.kinds:
                what = f"`{param.name}` of `{name}` is {listed(param.kinds)}"
                raise ExpressionError(f"{what}, not {named(kind_of(found))}")
            given.append(found)
        return run(value, *given, fuel)

    return apply


def bound(call: FilterCall, params: tuple[Param, ...]) -> list[tuple[Param, Part | None]]:
    """The arguments of a call by parameter; None for a default. Raises ExpressionError."""
    names = [param.name for param in params]
    if len(call.args) > len(params):
        raise ExpressionError(f"`{call.name}` takes {_count(len(params))}", _all(names), call.at)
    for name, part in call.named.items():
        if name not in names:
            raise ExpressionError(f"`{call.name}` has no argument `{name}`", _all(names), part.at)
        if names.index(name) < len(call.args):
            raise ExpressionError(f"`{name}` is given twice", offset=part.at)
    found = dict(zip(names, call.args, strict=False)) | dict(call.named)
    for param in params:
        if param.default is NEEDED and param.name not in found:
            raise ExpressionError(
                f"`{call.name}` needs the argument `{param.name}`", offset=call.at
            )
    return [(param, found.get(param.name)) for param in params]


def no_arguments(call: FilterCall) -> None:
    """Check that a call has no arguments. Raises ExpressionError."""
    bound(call, ())


def matching_of(call: FilterCall) -> Test:
    """The test that a call behind `is` makes, unless `defined`. Raises ExpressionError."""
    if call.name != "matching":
        hint = _similar(call.name, TESTS[:2]) or "`==` compares values"
        raise ExpressionError(f"there is no test `{call.name}`", hint, call.at)
    return _matching(call.args, call)


def _matching(args: tuple[Part, ...], call: FilterCall) -> Test:
    if len(args) != 1 or call.named:
        raise ExpressionError("`matching` takes one pattern", "is matching('v[0-9]+')", call.at)
    pattern = args[0]
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        raise ExpressionError(
            "a pattern is quoted text, never a value", "is matching('v[0-9]+')", pattern.at
        )
    try:
        return matching(pattern.value)
    except ExpressionError as fault:
        fault.place(pattern.at)
        raise


def _known(call: FilterCall) -> Filter:
    if filter_ := FILTERS.get(call.name):
        return filter_
    hint = _similar(call.name, (*FILTERS, *EACH)) or f"one of {', '.join((*FILTERS, *EACH))}"
    raise ExpressionError(f"there is no filter `{call.name}`", hint, call.at)


def _of_map(call: FilterCall, compiled: Compile) -> Applied:
    if call.named.keys() == {"attribute"} and not call.args:
        attribute = _name_argument(call.named["attribute"], "an attribute")

        def by_attribute(value: Json, values: Values, fuel: Fuel) -> Json:
            return mapped(_list(call, value), lambda one, _: member(one, attribute), fuel)

        return by_attribute
    if not call.args:
        raise ExpressionError(
            "`map` needs a filter or an attribute", "map(attribute='name')", call.at
        )
    name = _name_argument(call.args[0], "a filter")
    inner = applied(FilterCall(call.args[0].at, name, call.args[1:], call.named), compiled)

    def by_filter(value: Json, values: Values, fuel: Fuel) -> Json:
        return mapped(_list(call, value), lambda one, fuel: inner(one, values, fuel), fuel)

    return by_filter


def _of_select(call: FilterCall, compiled: Compile) -> Applied:
    """`select`, `reject` and `selectattr`."""
    if call.named:
        raise ExpressionError(f"`{call.name}` takes no names of arguments", _SELECT, call.at)
    args, attribute = call.args, ""
    if call.name == "selectattr":
        if not args:
            raise ExpressionError("`selectattr` needs the name of an attribute", _SELECT, call.at)
        attribute, args = _name_argument(args[0], "an attribute"), args[1:]
    name = _name_argument(args[0], "a test") if args else ""
    kept = call.name != "reject"
    test = _test(call, name, args, compiled)
    is_defined = name == "defined"

    def apply(value: Json, values: Values, fuel: Fuel) -> Json:
        return selected(
            _list(call, value),
            test(values, fuel),
            fuel,
            attribute=attribute,
            asks_defined=is_defined,
            kept=kept,
        )

    return apply


def _test(
    call: FilterCall, name: str, args: tuple[Part, ...], compiled: Compile
) -> Callable[[Values, Fuel], Test]:
    """The test of `select`, whose argument is evaluated once. Raises ExpressionError."""
    if name == "matching":
        pattern = _matching(args[1:], call)
        return lambda _values, _fuel: pattern
    if name in ("", "defined"):
        if args[1:]:
            raise ExpressionError(f"`{name}` takes no argument", _SELECT, args[1].at)
        return lambda _values, _fuel: _truth if name == "" else _always
    if name not in OPERATORS:
        hint = _similar(name, TESTS) or f"one of {', '.join(TESTS)}"
        raise ExpressionError(f"there is no test `{name}`", hint, args[0].at)
    if len(args) != 2:
        raise ExpressionError(f"`{name}` needs one value to compare with", _SELECT, call.at)
    sign, other = OPERATORS[name], compiled(args[1])
    return lambda values, fuel: compared(sign, other(values, fuel))


def _truth(value: Json, fuel: Fuel) -> bool:
    return bool(value)


def _always(value: Json, fuel: Fuel) -> bool:
    return True


_SELECT: Final = "selectattr('state', '==', 'good')"


def _list(call: FilterCall, value: Json) -> list[Json]:
    if not is_list(value):
        raise ExpressionError(f"`{call.name}` takes a list, not {named(kind_of(value))}")
    return value if isinstance(value, list) else [*value]


def _name_argument(part: Part, what: str) -> str:
    if isinstance(part, Literal) and isinstance(part.value, str):
        return part.value
    raise ExpressionError(f"the name of {what} is quoted text, never a value", offset=part.at)


def _count(count: int) -> str:
    return {0: "no argument", 1: "one argument"}.get(count, f"at most {count} arguments")


def _all(names: list[str]) -> str:
    return f"its arguments are {', '.join(names)}" if names else ""


def _similar(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # needed for errors only

    found = get_close_matches(name, [*names], 1)
    return f"did you mean `{found[0]}`?" if found else ""
