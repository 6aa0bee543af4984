"""The parts of a tree in the order of the text."""

from collections.abc import Iterator
from typing import NamedTuple

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
    Slice,
    Tested,
    Within,
)


class Mention(NamedTuple):
    """A path that a walk through an expression finds."""

    named: Named
    may_miss: bool
    """Whether the expression says what becomes of a missing value."""


def mentions(part: Part, *, may_miss: bool = False) -> Iterator[Mention]:
    """Walk through a tree for the paths in it."""
    match part:
        case Named():
            yield Mention(part, may_miss)
        case Tested(call=call):
            yield from mentions(part.of, may_miss=may_miss or call.name == "defined")
        case Filtered(calls=calls):
            has_default = any(call.name == "default" for call in calls)
            yield from mentions(part.of, may_miss=may_miss or has_default)
            for call in calls:
                for one in _arguments(call):
                    yield from mentions(one, may_miss=may_miss)
        case _:
            for one in inner(part):
                yield from mentions(one, may_miss=may_miss)


def inner(part: Part) -> Iterator[Part]:
    """One step of a walk: the parts directly inside a part."""
    match part:
        case Literal() | Named():
            pass
        case Within(of=of, steps=steps):
            yield of
            for step in steps:
                yield from _bounds(step)
        case ListPart(items=items):
            yield from items
        case MapPart(pairs=pairs):
            for pair in pairs:
                yield from pair
        case Prefix(of=of):
            yield of
        case Chain(first=first, rest=rest):
            yield first
            yield from (one.of for one in rest)
        case IfElse(then=then, test=test, other=other):
            yield from (then, test, other)
        case Filtered(of=of, calls=calls):
            yield of
            for call in calls:
                yield from _arguments(call)
        case Tested(of=of, call=call):
            yield of
            yield from _arguments(call)


def _bounds(step: Index | Slice) -> Iterator[Part]:
    if isinstance(step, Index):
        yield step.key
    else:
        yield from (one for one in (step.start, step.stop, step.step) if one is not None)


def _arguments(call: FilterCall) -> Iterator[Part]:
    yield from call.args
    yield from call.named.values()
