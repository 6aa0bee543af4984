"""Makes functions of expressions, once; each rendering calls them.

Each function pays one unit of fuel for itself. An unknown filter is found here, not in a rendering.
"""

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.filters.table import FILTERS
from floe.expr.pongo2.functions import called, moment_member
from floe.expr.pongo2.moments import Moment
from floe.expr.pongo2.operators import compared, computed, minus, negated
from floe.expr.pongo2.scope import Evaluate, TemplateScope
from floe.expr.pongo2.tree import (
    CalledFilter,
    FilteredValue,
    Part,
    PathStep,
    PrefixedTerm,
    TemplateChain,
    TemplateLiteral,
    TemplatePath,
)
from floe.expr.pongo2.values import TemplateFunction, Value, is_true, member, named, numbered


def compiled(part: Part) -> Evaluate:
    """The function that evaluates a part. Raises ExpressionError."""
    match part:
        case TemplateLiteral(value=value):
            return _literal(value)
        case TemplatePath():
            return _path(part)
        case FilteredValue():
            return _filtered(part)
        case PrefixedTerm():
            return _prefix(part)
        case TemplateChain(rest=rest):
            if rest[0].sign in ("and", "or"):
                return _logical(part)
            if rest[0].sign in ("+", "-", "*", "/", "%"):
                return _computed(part)
            return _power(part) if rest[0].sign == "^" else _compared(part)


def _literal(value: Value) -> Evaluate:
    def run(scope: TemplateScope) -> Value:
        scope.rendering.fuel.spend(1)
        return value

    return run


def _path(part: TemplatePath) -> Evaluate:
    first, *rest = [(step.name, _arguments(step)) for step in part.steps]
    name, at = str(first[0]), part.at
    call, steps = first[1], rest

    def run(scope: TemplateScope) -> Value:
        scope.rendering.fuel.spend(1 + len(steps))
        value = scope.find(name)
        try:
            if call is not None or isinstance(value, TemplateFunction):
                value = _called(value, call, scope)
            for step, arguments in steps:
                if value is None:
                    return None
                if isinstance(step, int):
                    scope.rendering.fuel.search(step)
                value = _member(value, step)
                if arguments is not None or isinstance(value, TemplateFunction):
                    value = _called(value, arguments, scope)
        except ExpressionError as fault:
            fault.place(at)
            raise
        return value

    return run


def _arguments(step: PathStep) -> list[Evaluate] | None:
    return None if step.arguments is None else [compiled(one) for one in step.arguments]


def _member(value: Value, step: str | int) -> Value:
    if isinstance(step, int):
        return numbered(value, step)
    return moment_member(value, step) if isinstance(value, Moment) else member(value, step)


def _called(value: Value, arguments: list[Evaluate] | None, scope: TemplateScope) -> Value:
    if value is None:
        return None
    if not isinstance(value, TemplateFunction):
        raise ExpressionError(f"{named(value)} is no function")
    return called(value, [evaluate(scope) for evaluate in arguments or ()], scope.rendering)


def _filtered(part: FilteredValue) -> Evaluate:
    of = compiled(part.of)
    calls = [filter_of(call) for call in part.calls]

    def run(scope: TemplateScope) -> Value:
        value = of(scope)
        for call in calls:
            value = call(value, scope)
        return value

    return run


class AppliedFilter:
    """A filter with its argument, which is evaluated each time."""

    __slots__ = ("_argument", "_at", "_run")

    def __init__(self, call: CalledFilter) -> None:
        run = FILTERS.get(call.name)
        if run is None:
            raise ExpressionError(f"there is no filter `{call.name}`", offset=call.at)
        self._run, self._at = run, call.at
        self._argument = None if call.argument is None else compiled(call.argument)

    def __call__(self, value: Value, scope: TemplateScope) -> Value:
        """What the filter makes of a value. Raises ExpressionError."""
        scope.rendering.fuel.spend(1)
        argument = None if self._argument is None else self._argument(scope)
        try:
            return self._run(value, argument, scope.rendering)
        except ExpressionError as fault:
            fault.place(self._at)
            raise


def filter_of(call: CalledFilter) -> AppliedFilter:
    """The function of a filter. Raises ExpressionError if there is none of its name."""
    return AppliedFilter(call)


def _prefix(part: PrefixedTerm) -> Evaluate:
    of, at = compiled(part.of), part.at

    def run(scope: TemplateScope) -> Value:
        scope.rendering.fuel.spend(1)
        value = of(scope)
        if part.is_negated:
            value = negated(value)
        if not part.is_minus:
            return value
        try:
            return minus(value)
        except ExpressionError as fault:
            fault.place(at)
            raise

    return run


def _logical(part: TemplateChain) -> Evaluate:
    """`and` and `or` on one level, from right to left: `a and (b or c)`."""
    rest = [(one.sign == "or", compiled(one.of)) for one in part.rest]
    first = compiled(part.first)

    def run(scope: TemplateScope) -> Value:
        scope.rendering.fuel.spend(1)
        value = is_true(first(scope))
        for ends_with, operand in rest:
            if value == ends_with:
                break
            value = is_true(operand(scope))
        return value

    return run


def _compared(part: TemplateChain) -> Evaluate:
    """Comparisons from right to left: `a == (b == c)`."""
    first = compiled(part.first)
    rest = [(one.at, one.sign, compiled(one.of)) for one in part.rest]

    def run(scope: TemplateScope) -> Value:
        fuel = scope.rendering.fuel
        lefts, value = list[tuple[Value, int, str]](), first(scope)
        for at, sign, operand in rest:
            fuel.spend(1)
            lefts.append((value, at, sign))
            value = operand(scope)
        for left, at, sign in reversed(lefts):
            try:
                value = compared(sign, left, value, fuel)
            except ExpressionError as fault:
                fault.place(at)
                raise
        return value

    return run


def _computed(part: TemplateChain) -> Evaluate:
    first = compiled(part.first)
    rest = [(one.at, one.sign, compiled(one.of)) for one in part.rest]

    def run(scope: TemplateScope) -> Value:
        value = first(scope)
        for at, sign, operand in rest:
            scope.rendering.fuel.spend(1)
            other = operand(scope)
            try:
                value = computed(sign, value, other)
            except ExpressionError as fault:
                fault.place(at)
                raise
        return value

    return run


def _power(part: TemplateChain) -> Evaluate:
    """Powers from right to left: `a ^ (b ^ c)`."""
    parts = [compiled(part.first), *(compiled(one.of) for one in part.rest)]

    def run(scope: TemplateScope) -> Value:
        scope.rendering.fuel.spend(len(parts))
        *lefts, value = [one(scope) for one in parts]
        for left in reversed(lefts):
            value = computed("^", left, value)
        return value

    return run
