"""Compiles operands, commands and pipelines of a template to functions of scope and dot."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, assert_never

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.gotext.calls import Function, Scope, call, checked
from floe.expr.gotext.go_values import ABSENT, Value, is_true
from floe.expr.gotext.members import Argument, given, literal, member, members
from floe.expr.gotext.tree import (
    Command,
    Constant,
    Dot,
    DotFields,
    FunctionName,
    Nil,
    Operand,
    Pipe,
    PipeFields,
    VariableFields,
)

Evaluate = Callable[[Scope, Value], Value]
"""The value of a part of a template, by scope and dot."""

Stage = Callable[[Scope, Value, Value], Value]
"""The same of a command behind `|`: the last argument is the value before it."""

LEVELS_MAX: Final = 100
"""Levels of pipelines, blocks and names of a template that run within each other."""

NO_FINAL: Final = object()


def deepen(scope: Scope) -> None:
    """Go one level down; the caller comes up again. Raises TooMuch."""
    scope.level += 1
    if scope.level > LEVELS_MAX:
        raise TooMuch(f"a template runs at most {LEVELS_MAX} levels deep")


class Operands:
    """Compiles with a set of functions."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def pipe(self, pipe: Pipe) -> Evaluate:
        """The value of a pipeline, which its variables get too."""
        first = self._placed(pipe.commands[0])
        stages = [self._placed(command) for command in pipe.commands[1:]]
        slots = pipe.slots

        def evaluate(scope: Scope, dot: Value) -> Value:
            value = first(scope, dot, NO_FINAL)
            if value is None:
                value = ABSENT
            for stage in stages:
                value = stage(scope, dot, value)
                if value is None:
                    value = ABSENT
            for slot in slots:
                scope.variables[slot] = value
            return value

        return evaluate

    def _placed(self, command: Command) -> Stage:
        """A command whose errors have a place."""
        stage = self._command(command)

        def placed(scope: Scope, dot: Value, final: Value) -> Value:
            try:
                return stage(scope, dot, final)
            except ExpressionError as error:
                error.place(command.at)
                raise

        return placed

    def _command(self, command: Command) -> Stage:
        first, *rest = command.operands
        arguments = [self.argument(one) for one in rest]
        match first:
            case FunctionName(name=name):
                return self._call(name, arguments)
            case DotFields(names=names):
                return _with_arguments(lambda scope, dot: dot, names, arguments)
            case VariableFields(slot=slot, names=names) if names:
                return _with_arguments(lambda scope, dot: scope.variables[slot], names, arguments)
            case PipeFields(of=of, names=names):
                return _with_arguments(self.operand(of), names, arguments)
            case Nil():
                return _raising("nil is not a command")
            case _:
                return _without_arguments(self.operand(first), bool(arguments))

    def _call(self, name: str, arguments: Sequence[Argument]) -> Stage:
        function = self._functions[name]
        if name in ("and", "or"):
            return _short(name, arguments)
        parameters = (
            tuple(function.parameter(at) for at in range(len(arguments)))
            if (function.parameters)
            else ()
        )
        pairs = tuple(zip(arguments, parameters, strict=False))

        def called(scope: Scope, dot: Value, final: Value) -> Value:
            has_final = final is not NO_FINAL
            function.check_count(len(arguments) + has_final, name)
            values = [one(scope, dot, parameter) for one, parameter in pairs]
            if has_final:
                values.append(checked(final, function.parameter(len(values))))
            return call(name, function, scope, values)

        return called

    def operand(self, operand: Operand) -> Evaluate:
        """The value of an operand by itself."""
        match operand:
            case Dot():
                return lambda scope, dot: dot
            case Nil():
                return lambda scope, dot: None
            case Constant(value=value):
                return lambda scope, dot: value
            case DotFields(names=names):
                return lambda scope, dot: members(scope, dot, dot, names)
            case VariableFields(slot=slot, names=names):
                return lambda scope, dot: members(scope, dot, scope.variables[slot], names)
            case FunctionName(name=name):
                stage = self._call(name, ())
                return lambda scope, dot: stage(scope, dot, NO_FINAL)
            case PipeFields(of=of, names=names):
                inner = self.operand(of)
                return lambda scope, dot: members(scope, dot, inner(scope, dot), names)
            case Pipe():
                return self._parenthesis(operand)
            case _:
                assert_never(operand)

    def _parenthesis(self, pipe: Pipe) -> Evaluate:
        inner = self.pipe(pipe)

        def evaluate(scope: Scope, dot: Value) -> Value:
            deepen(scope)
            value = inner(scope, dot)
            scope.level -= 1
            return value

        return evaluate

    def argument(self, operand: Operand) -> Argument:
        """An operand as the argument of a function."""
        if isinstance(operand, Constant):
            return literal(operand)
        if isinstance(operand, Nil):
            return _nil
        evaluate = self.operand(operand)
        return lambda scope, dot, parameter: checked(evaluate(scope, dot), parameter)


def _nil(scope: Scope, dot: Value, parameter: str) -> Value:
    if parameter in ("any", "raw", "map"):
        return checked(ABSENT, parameter)
    raise ExpressionError(f"cannot assign nil to {parameter}")


def _short(name: str, arguments: Sequence[Argument]) -> Stage:
    """`and` and `or` evaluate no more than they need."""

    def evaluate(scope: Scope, dot: Value, final: Value) -> Value:
        if not arguments and final is NO_FINAL:
            raise ExpressionError(f"wrong number of args for {name}: want at least 1 got 0")
        scope.fuel.spend(1)
        value: Value = ABSENT
        for argument in arguments:
            value = argument(scope, dot, "raw")
            if is_true(value) == (name == "or"):
                return value
        return value if final is NO_FINAL else final

    return evaluate


def _with_arguments(of: Evaluate, names: Sequence[str], arguments: Sequence[Argument]) -> Stage:
    """DotFields of which the last may be a method with arguments."""
    *path, last = names

    def evaluate(scope: Scope, dot: Value, final: Value) -> Value:
        passed = arguments if final is NO_FINAL else [*arguments, given(final)]
        value = members(scope, dot, of(scope, dot), path)
        return member(scope, dot, value, last, passed)

    return evaluate


def _without_arguments(of: Evaluate, has_arguments: bool) -> Stage:
    def evaluate(scope: Scope, dot: Value, final: Value) -> Value:
        if has_arguments or final is not NO_FINAL:
            raise ExpressionError("can't give argument to non-function")
        return of(scope, dot)

    return evaluate


def _raising(what: str) -> Stage:
    def evaluate(scope: Scope, dot: Value, final: Value) -> Value:
        raise ExpressionError(what)

    return evaluate
