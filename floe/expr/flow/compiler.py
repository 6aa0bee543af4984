"""Makes a function of the tree of an expression, once; each evaluation calls it.

Every function pays one unit of fuel for itself. Errors that depend on no value (an unknown filter,
a pattern that cannot be read) are found here, and not in an evaluation.
"""

from collections.abc import Callable

from floe.expr.errors import ExpressionError, Missing
from floe.expr.flow.calls import Run, Values, applied, matching_of, no_arguments
from floe.expr.flow.operators import computed, holds, joined
from floe.expr.flow.steps import indexed, sliced
from floe.expr.flow.tree import (
    Chain,
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
from floe.expr.fuel import CHARS_READ, Fuel
from floe.expr.paths import Unknown, shown
from floe.expr.values import is_number, kind_of, named, same
from floe.model.ids import Json


def compiled(part: Part) -> Run:
    """The function that evaluates a part. Raises ExpressionError."""
    match part:
        case Literal(value=value):
            return _literal(value)
        case Named():
            return _path(part)
        case Within():
            return _within(part)
        case ListPart(items=items):
            return _list([compiled(item) for item in items])
        case MapPart():
            return _map(part)
        case Prefix():
            return _prefix(part)
        case Chain():
            return _chain(part)
        case IfElse(then=then, test=test, other=other):
            return _choice(compiled(then), compiled(test), compiled(other))
        case Filtered():
            return _filtered(part)
        case Tested():
            return _tested(part)


def _paid(fuel: Fuel, value: Json) -> Json:
    fuel.spend(1)
    return value


def _literal(value: Json) -> Run:
    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        return value

    return run


def _path(part: Named) -> Run:
    path, at = part.path, part.at

    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        try:
            return values(path)
        except Unknown:
            raise Missing(shown(path), offset=at) from None

    return run


def _within(part: Within) -> Run:
    of = compiled(part.of)
    steps = [(step.at, _step(step)) for step in part.steps]

    def run(values: Values, fuel: Fuel) -> Json:
        value = of(values, fuel)
        for at, step in steps:
            fuel.spend(1)
            try:
                value = step(value, values, fuel)
            except ExpressionError as fault:
                fault.place(at)
                raise
        return value

    return run


def _step(step: Index | Slice) -> Callable[[Json, Values, Fuel], Json]:
    if isinstance(step, Index):
        key = compiled(step.key)
        return lambda value, values, fuel: indexed(value, key(values, fuel))
    bounds = [None if one is None else compiled(one) for one in (step.start, step.stop, step.step)]

    def run(value: Json, values: Values, fuel: Fuel) -> Json:
        start, stop, by = [None if one is None else one(values, fuel) for one in bounds]
        return sliced(value, start, stop, by, fuel)

    return run


def _list(items: list[Run]) -> Run:
    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        return [item(values, fuel) for item in items]

    return run


def _map(part: MapPart) -> Run:
    pairs = [(key.at, compiled(key), compiled(value)) for key, value in part.pairs]

    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        found: dict[str, Json] = {}
        for at, key, value in pairs:
            name = key(values, fuel)
            if not isinstance(name, str):
                raise ExpressionError(
                    f"a key of a map is a text, not {named(kind_of(name))}", offset=at
                )
            found[name] = value(values, fuel)
        return found

    return run


def _prefix(part: Prefix) -> Run:
    of, at, sign = compiled(part.of), part.at, part.sign
    if sign == "not":
        return lambda values, fuel: _paid(fuel, not of(values, fuel))

    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        value = of(values, fuel)
        if not is_number(value):
            raise ExpressionError(
                f"`{sign}` takes a number, not {named(kind_of(value))}", offset=at
            )
        return -value if sign == "-" else value

    return run


def _chain(part: Chain) -> Run:
    first = compiled(part.first)
    rest = [(one.at, one.sign, compiled(one.of)) for one in part.rest]
    parts = [first, *(run for _, _, run in rest)]
    match part.rest[0].sign:
        case "and" | "or" as word:
            return _all_or_any(parts, ends_with=word == "or")
        case "~":
            return _joined(parts, part.rest[0].at)
        case "+" | "-" | "*" | "/" | "//" | "%":
            return _computed(first, rest)
        case "==" | "!=" as sign if len(rest) == 1:
            other = part.rest[0]
            if isinstance(other.of, Literal) and isinstance(other.of.value, str):
                return _is_text(first, other.at, other.of.value, negated=sign == "!=")
            return _compared(first, rest)
        case _:
            return _compared(first, rest)


Operands = list[tuple[int, str, Run]]


def _all_or_any(parts: list[Run], *, ends_with: bool) -> Run:
    """The first value that decides `and` or `or`, else the last one."""

    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        value: Json = None
        for part in parts:
            value = part(values, fuel)
            if bool(value) == ends_with:
                break
        return value

    return run


def _joined(parts: list[Run], at: int) -> Run:
    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        found = [part(values, fuel) for part in parts]
        try:
            return joined(found, fuel)
        except ExpressionError as fault:
            fault.place(at)
            raise

    return run


def _computed(first: Run, rest: Operands) -> Run:
    def run(values: Values, fuel: Fuel) -> Json:
        value = first(values, fuel)
        for at, sign, operand in rest:
            fuel.spend(1)
            other = operand(values, fuel)
            try:
                value = computed(sign, value, other, fuel)
            except ExpressionError as fault:
                fault.place(at)
                raise
        return value

    return run


def _compared(first: Run, rest: Operands) -> Run:
    if len(rest) == 1:
        return _compared_once(first, *rest[0])

    def run(values: Values, fuel: Fuel) -> Json:
        left = first(values, fuel)
        for at, sign, operand in rest:
            fuel.spend(1)
            right = operand(values, fuel)
            try:
                if not holds(sign, left, right, fuel):
                    return False
            except ExpressionError as fault:
                fault.place(at)
                raise
            left = right
        return True

    return run


def _compared_once(first: Run, at: int, sign: str, second: Run) -> Run:
    """A single comparison, as most conditions are."""

    def run(values: Values, fuel: Fuel) -> Json:
        left = first(values, fuel)
        fuel.spend(1)
        right = second(values, fuel)
        try:
            return holds(sign, left, right, fuel)
        except ExpressionError as fault:
            fault.place(at)
            raise

    return run


def _is_text(first: Run, at: int, text: str, *, negated: bool) -> Run:
    """A comparison with a text, as most conditions are: it pays for both sides at once."""

    def run(values: Values, fuel: Fuel) -> Json:
        left = first(values, fuel)
        if isinstance(left, str):
            fuel.spend(2 + len(left) // CHARS_READ)
            return (left == text) != negated
        fuel.spend(2)
        try:
            return same(left, text, fuel) != negated
        except ExpressionError as fault:
            fault.place(at)
            raise

    return run


def _choice(then: Run, test: Run, other: Run) -> Run:
    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        return then(values, fuel) if test(values, fuel) else other(values, fuel)

    return run


def _filtered(part: Filtered) -> Run:
    of = compiled(part.of)
    calls = [(c.at, c.name == "default", applied(c, compiled)) for c in part.calls]

    def run(values: Values, fuel: Fuel) -> Json:
        value: Json = None
        missing: Missing | None = None
        try:
            value = of(values, fuel)
        except Missing as fault:
            missing = fault
        for at, is_default, call in calls:
            if missing is not None and not is_default:
                continue
            fuel.spend(1)
            try:
                value = call(None if missing else value, values, fuel)
                missing = None
            except Missing as fault:
                fault.place(at)
                missing = fault
            except ExpressionError as fault:
                fault.place(at)
                raise
        if missing is not None:
            raise missing
        return value

    return run


def _tested(part: Tested) -> Run:
    of, at, negated = compiled(part.of), part.at, part.negated
    if part.call.name == "defined":
        no_arguments(part.call)
        return _defined(of, negated=negated)
    test = matching_of(part.call)

    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        value = of(values, fuel)
        try:
            return test(value, fuel) != negated
        except ExpressionError as fault:
            fault.place(at)
            raise

    return run


def _defined(of: Run, *, negated: bool) -> Run:
    def run(values: Values, fuel: Fuel) -> Json:
        fuel.spend(1)
        try:
            of(values, fuel)
        except Missing:
            return negated
        return not negated

    return run
