"""The parts of an expression, as the parser finds them; `at` is the place in the template."""

from collections.abc import Iterator

from floe.expr.pongo2.values import Value
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True)
class TemplateLiteral:
    """In a template's expression: `3`, `1.5`, `'text'`, `true`."""

    at: int
    value: Value


@dataclass(frozen=True, slots=True)
class PathStep:
    """In a template's expression: a part of a path, `.name` or `.0`, and how it is called."""

    name: str | int
    arguments: tuple["Part", ...] | None = None
    """None if it has no brackets."""


@dataclass(frozen=True, slots=True)
class TemplatePath:
    """In a template's expression: a name and the steps behind it: `Event.Payload.list.0`."""

    at: int
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class CalledFilter:
    """In a template's expression: `name`, or `name:argument`."""

    at: int
    name: str
    argument: "Part | None" = None


@dataclass(frozen=True, slots=True)
class FilteredValue:
    """In a template's expression: `value|filter|filter:argument`."""

    at: int
    of: TemplateLiteral | TemplatePath
    calls: tuple[CalledFilter, ...]


@dataclass(frozen=True, slots=True)
class PrefixedTerm:
    """In a template's expression: `-`, `not`, or `-not` before a term."""

    at: int
    is_negated: bool
    is_minus: bool
    of: "Part"


@dataclass(frozen=True, slots=True)
class TemplateOperand:
    """In a template's expression: an operator and the part behind it."""

    at: int
    sign: str
    of: "Part"


@dataclass(frozen=True, slots=True)
class TemplateChain:
    """In a template's expression: operators of one level; `+ - * / %` go from left to right."""

    first: "Part"
    rest: tuple[TemplateOperand, ...]


Part = TemplateLiteral | TemplatePath | FilteredValue | PrefixedTerm | TemplateChain


def has_filter(part: Part, name: str) -> bool:
    """Whether a filter is applied in each operand of an expression."""
    match part:
        case FilteredValue(calls=calls):
            return any(call.name == name for call in calls)
        case PrefixedTerm(of=of):
            return has_filter(of, name)
        case TemplateChain(first=first, rest=rest):
            return has_filter(first, name) and all(has_filter(one.of, name) for one in rest)
        case TemplateLiteral() | TemplatePath():
            return False


def inside(part: Part) -> Iterator[Part]:
    """An expression, and all that are inside it."""
    yield part
    match part:
        case TemplateChain(first=first, rest=rest):
            yield from inside(first)
            for operand in rest:
                yield from inside(operand.of)
        case PrefixedTerm(of=of):
            yield from inside(of)
        case FilteredValue(of=of, calls=calls):
            yield from inside(of)
            for call in calls:
                if call.argument is not None:
                    yield from inside(call.argument)
        case TemplatePath(steps=steps):
            for step in steps:
                for argument in step.arguments or ():
                    yield from inside(argument)
        case TemplateLiteral():
            pass
