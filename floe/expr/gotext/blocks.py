"""Compiles the blocks of a template: text, actions, `if`, `with`, `range`, `template`."""

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, Scope
from floe.expr.gotext.go_values import ABSENT, Int64, Value, in_order, is_true, type_of
from floe.expr.gotext.operands import Evaluate, Operands, deepen
from floe.expr.gotext.printing import shown
from floe.expr.gotext.tree import (
    Action,
    Block,
    Body,
    Branch,
    Include,
    Leave,
    Part,
    PlainText,
)

Leaving = str | None
"""How a part ended: by `break`, by `continue`, or plainly."""

Run = Callable[[Scope, Value], Leaving]
"""Writes a part of a template, by scope and dot."""


def compile_bodies(bodies: Mapping[str, Body], functions: Mapping[str, Function]) -> dict[str, Run]:
    """The text of each name as a function."""
    compiler = _Blocks(functions)
    for name, body in bodies.items():
        compiler.runs[name] = _with_variables(compiler.block(body.block), body.slots)
    return compiler.runs


def _with_variables(run: Run, slots: int) -> Run:
    """A text with variables of its own, of which `$` is the dot."""

    def entered(scope: Scope, dot: Value) -> Leaving:
        outer = scope.variables
        scope.variables = [dot, *(ABSENT for _ in range(slots - 1))]
        run(scope, dot)
        scope.variables = outer
        return None

    return entered


class _Blocks:
    """Compiles blocks; names are found when they run, so that they may include each other."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.operands = Operands(functions)
        self.runs: dict[str, Run] = {}

    def block(self, block: Block) -> Run:
        """The parts of a block in order, up to the one that leaves it."""
        runs = [self.part(part) for part in block]
        if len(runs) == 1:
            return runs[0]

        def run(scope: Scope, dot: Value) -> Leaving:
            for one in runs:
                if leaving := one(scope, dot):
                    return leaving
            return None

        return run

    def part(self, part: Part) -> Run:
        """One part."""
        match part:
            case PlainText(text=text):
                return lambda scope, dot: _write(scope, text)
            case Action(pipe=pipe):
                return _action(self.operands.pipe(pipe), is_silent=bool(pipe.slots))
            case Leave(word=word):
                return lambda scope, dot: word
            case Include():
                return self._include(part)
            case Branch(word="range"):
                return self._range(part)
            case Branch():
                return self._branch(part)
            case _:
                assert_never(part)

    def _branch(self, part: Branch) -> Run:
        pipe, is_with = self.operands.pipe(part.pipe), part.word == "with"
        then, otherwise = self.block(part.then), self.block(part.otherwise)

        def run(scope: Scope, dot: Value) -> Leaving:
            deepen(scope)
            value = pipe(scope, dot)
            if is_true(value):
                leaving = then(scope, value if is_with else dot)
            else:
                leaving = otherwise(scope, dot)
            scope.level -= 1
            return leaving

        return run

    def _range(self, part: Branch) -> Run:
        pipe, slots = self.operands.pipe(part.pipe), part.pipe.slots
        then, otherwise = self.block(part.then), self.block(part.otherwise)

        def run(scope: Scope, dot: Value) -> Leaving:
            deepen(scope)
            is_empty = True
            for key, value in _elements(pipe(scope, dot), len(slots), part.at):
                scope.fuel.spend(1)
                is_empty = False
                for slot, one in zip(slots, (key, value)[-len(slots) :], strict=False):
                    scope.variables[slot] = one
                if then(scope, value) == "break":
                    break
            leaving = otherwise(scope, dot) if is_empty else None
            scope.level -= 1
            return leaving

        return run

    def _include(self, part: Include) -> Run:
        pipe = self.operands.pipe(part.pipe) if part.pipe else None

        def run(scope: Scope, dot: Value) -> Leaving:
            included = self.runs.get(part.name)
            if included is None:
                raise ExpressionError(f'template "{part.name}" not defined', offset=part.at)
            scope.fuel.spend(1)
            deepen(scope)
            included(scope, pipe(scope, dot) if pipe else ABSENT)
            scope.level -= 1
            return None

        return run


def _write(scope: Scope, text: str) -> None:
    scope.fuel.spend(1)
    scope.fuel.make(len(text))
    scope.out.append(text)


def _action(pipe: Evaluate, *, is_silent: bool) -> Run:
    def run(scope: Scope, dot: Value) -> Leaving:
        value = pipe(scope, dot)
        if not is_silent:
            _write(scope, shown(value, scope.fuel))
        return None

    return run


def _elements(value: Value, variables: int, at: int) -> Iterable[tuple[Value, Value]]:
    """What `range` goes through: keys or indexes with values."""
    if value is ABSENT:
        return ()
    if isinstance(value, list):
        return enumerate(value)
    if isinstance(value, dict):
        return [(key, value[key]) for key in in_order(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        if variables > 1:
            raise ExpressionError(
                "can't use a number to iterate over more than one variable", offset=at
            )
        counted = Int64 if isinstance(value, Int64) else int
        return ((ABSENT, counted(number)) for number in range(value))
    raise ExpressionError(f"range can't iterate over a {type_of(value)}", offset=at)
