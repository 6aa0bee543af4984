"""Judges expressions of a flow with the values of a run: conditions, lists and parts of work.

Source: docs/flows.md, "Expressions in work".
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from floe.expr.errors import ExpressionError, Missing
from floe.expr.fuel import CONDITION_FUEL, Fuel
from floe.expr.paths import HOSTS, Unknown, shown, value_at
from floe.expr.template import expression_of
from floe.kernel.named_values import named_value
from floe.model.flow import Flow
from floe.model.ids import HostId, Json
from floe.model.nouns import dataclass
from floe.model.run import Run
from floe.model.template import Path, TemplatePart

LIST_FUEL: Final = 50_000
"""Of the expression for a list of items, which is evaluated once for a node."""

AT_NODE: Final = ("host", "ws")
"""First names that an expression at a node may use beside those of a title."""

OF_ITEM: Final = ("item", "index")
"""Further first names in the work of a node with items."""

CALLBACK: Final = "callback"
"""A further first name in the request of a call: the address to call."""

HOST: Final = ("name", "tags")

CODE_SHOWN_MAX: Final = 80
"""Characters of an expression in the sentence about its error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeScope:
    """The names that expressions of a node are judged with, and their values now."""

    run: Run
    flow: Flow
    host_tags: frozenset[str] = frozenset()
    """The tags of the host that has the run."""
    hosts: Mapping[HostId, frozenset[str]] = field(default_factory=dict)
    """The tags of all hosts of the cluster."""
    given: Mapping[str, Json] = field(default_factory=dict)
    """Further first names of the caller: `item` and `index`, or `outputs` and `status`."""

    def value(self, path: Path) -> Json:
        """The value of a path, for an expression that is judged. Raises Unknown."""
        first = path[0]
        if first in self.given:
            return value_at(self.given, path)
        rest = path[1:]
        match first:
            case "values":
                return value_at(self.run.values, rest)
            case "host" if self.run.host is not None:
                host = {"name": self.run.host, "tags": sorted(self.host_tags)}
                return value_at(host, rest)
            case "ws" if self.run.workspace and not rest:
                return self.run.workspace
            case "host" | "ws":
                raise Unknown
            case _ if first == HOSTS:
                return sorted(name for name, tags in self.hosts.items() if tags.issuperset(rest))
            case _:
                return named_value(self.run, self.flow, path)


def value_of(code: str, scope: NodeScope, fuel: Fuel | None = None) -> Json:
    """Judge an expression: what it comes to, finite JSON of at most 1 MiB.

    Without `fuel` it may spend that of a condition; a list has `Fuel(LIST_FUEL)`. Raises nothing
    but ExpressionError, for which `fault_text` has a sentence.
    """
    from floe.expr.flow.expression import expression  # most flows have none

    fuel = Fuel(CONDITION_FUEL) if fuel is None else fuel
    return expression(code).evaluate(scope.value, fuel)


def value_of_part(part: TemplatePart, value: Callable[[Path], Json], fuel: Fuel) -> Json:
    """Judge a path or expression of a template; `value` raises Unknown for a path.

    Raises ExpressionError.
    """
    if part.code:
        return expression_of(part).evaluate(value, fuel)
    try:
        return value(part.path)
    except Unknown:
        raise Missing(shown(part.path)) from None


def code_of(part: TemplatePart) -> str:
    """The path or expression to judge in a part of a template, as it is written."""
    return part.code or shown(part.path)


def is_true(code: str, scope: NodeScope) -> bool:
    """Judge a condition: `false`, `null`, `0`, `''`, `[]` and `{}` are false.

    Raises ExpressionError.
    """
    return bool(value_of(code, scope))


def fault_text(code: str, fault: ExpressionError) -> str:
    """Why an expression could not be judged: what is wrong or missing, and where in it.

    It names names and types, never a value.
    """
    before = code[: fault.offset or 0]
    line, col = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    shown = " ".join(code.split())
    if fault.what == f"`{shown}` is missing":
        return f"{fault.what}; try: {fault.hint}"
    if len(shown) > CODE_SHOWN_MAX:
        shown = shown[: CODE_SHOWN_MAX - 1] + "…"
    text = f"{fault.what}, at {line}:{col} of `{shown}`"
    return f"{text}; try: {fault.hint}" if fault.hint else text
