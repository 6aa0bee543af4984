"""Finds mistakes in the types of an expression before it is evaluated, if types are known."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from floe.expr.flow.calls import bound
from floe.expr.flow.each import EACH
from floe.expr.flow.filters import FILTERS
from floe.expr.flow.operators import fault_of
from floe.expr.flow.tree import (
    Chain,
    FilterCall,
    Filtered,
    IfElse,
    Index,
    ListPart,
    Literal,
    MapPart,
    Named,
    Part,
    Prefix,
    Tested,
    Within,
)
from floe.expr.flow.walk import inner
from floe.expr.values import Kind, kind_of, listed, named
from floe.model.template import Path

Known = Callable[[Path], Kind | None]
"""The type of a path; None if it is not known."""

_SLICED: Final[tuple[Kind, ...]] = ("text", "list")
_INDEXED: Final[tuple[Kind, ...]] = ("list", "map")


class Mistake(NamedTuple):
    """What is wrong with types, and where in the text."""

    at: int
    what: str
    is_error: bool = True


def mistakes(part: Part, known: Known) -> Iterator[Mistake]:
    """The mistakes in a tree: values that an operator or filter never takes."""
    match part:
        case Chain():
            yield from _of_chain(part, known)
        case Prefix(sign="-" | "+"):
            yield from _unless(kind(part.of, known), ("number",), part.at, f"`{part.sign}` takes")
        case Filtered():
            yield from _of_filters(part, known)
        case Tested() if part.call.name != "defined":
            yield from _unless(kind(part.of, known), ("text",), part.at, "`matching` takes")
        case Within():
            is_index = isinstance(part.steps[0], Index)
            takes, have = (_INDEXED, "elements") if is_index else (_SLICED, "slices")
            found = kind(part.of, known)
            if found and found not in takes:
                yield Mistake(part.at, f"only {listed(takes)} has {have}, not {named(found)}")
        case _:
            pass
    for one in inner(part):
        yield from mistakes(one, known)


def kind(part: Part, known: Known) -> Kind | None:
    """The type of what a part comes to; None if it is not known."""
    match part:
        case Literal(value=value):
            return kind_of(value)
        case Named(path=path):
            return known(path)
        case ListPart():
            return "list"
        case MapPart():
            return "map"
        case Prefix(sign=sign):
            return "bool" if sign == "not" else "number"
        case Tested():
            return "bool"
        case Chain():
            return _kind_of_chain(part, known)
        case IfElse(then=then, other=other):
            return _common(kind(then, known), kind(other, known))
        case Within(of=of, steps=steps):
            return None if any(isinstance(step, Index) for step in steps) else kind(of, known)
        case Filtered():
            found = kind(part.of, known)
            for call in part.calls:
                found = _kind_of_call(call, found, known)
            return found


def _of_chain(part: Chain, known: Known) -> Iterator[Mistake]:
    left = kind(part.first, known)
    for one in part.rest:
        right = kind(one.of, known)
        if left and right:
            if what := fault_of(one.sign, left, right):
                yield Mistake(one.at, what)
                return
            if one.sign in ("==", "!=") and left != right and "null" not in (left, right):
                what = f"{named(left)} never equals {named(right)}"
                yield Mistake(one.at, what, is_error=False)
        if one.sign in ("+", "~"):
            left = "text" if one.sign == "~" else left or right
        elif one.sign in ("-", "*", "/", "//", "%"):
            left = "number"
        else:
            left = right


def _kind_of_chain(part: Chain, known: Known) -> Kind | None:
    kinds = [kind(part.first, known), *(kind(one.of, known) for one in part.rest)]
    match part.rest[0].sign:
        case "and" | "or":
            found = kinds[0]
            for one in kinds[1:]:
                found = _common(found, one)
            return found
        case "~":
            return "text"
        case "+":
            return next(filter(None, kinds), None)
        case "-" | "*" | "/" | "//" | "%":
            return "number"
        case _:
            return "bool"


def _of_filters(part: Filtered, known: Known) -> Iterator[Mistake]:
    found = kind(part.of, known)
    for call in part.calls:
        takes: tuple[Kind, ...] = ("list",) if call.name in EACH else FILTERS[call.name].takes
        if call.name in FILTERS:
            for param, given in bound(call, FILTERS[call.name].params):
                if given is not None:
                    what = f"`{param.name}` of `{call.name}` is"
                    yield from _unless(kind(given, known), param.kinds, given.at, what)
        yield from _unless(found, takes, call.at, f"`{call.name}` takes")
        found = _kind_of_call(call, found, known)


def _kind_of_call(call: FilterCall, of: Kind | None, known: Known) -> Kind | None:
    if call.name in EACH:
        return "list"
    if call.name == "default":
        [(_, value), _] = bound(call, FILTERS["default"].params)
        return _common(of, kind(value, known) if value else None)
    return FILTERS[call.name].gives


def _unless(found: Kind | None, takes: tuple[Kind, ...], at: int, what: str) -> Iterator[Mistake]:
    if found and found not in takes:
        yield Mistake(at, f"{what} {listed(takes)}, not {named(found)}")


def _common(one: Kind | None, other: Kind | None) -> Kind | None:
    return one if one == other else None
