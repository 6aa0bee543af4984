"""Reads the pipelines of a Go template: commands, operands and the variables that they declare.

Source: https://pkg.go.dev/text/template, "Arguments", "Pipelines" and "Variables".
"""

from collections.abc import Container
from typing import Final, NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.gotext.literals import read_constant
from floe.expr.gotext.tokens import TemplateToken, TokenKind
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

PARENTHESES_MAX: Final = 40
"""Levels of parentheses within each other."""

_STARTS: Final = frozenset(
    ("bool", "char", "dot", "field", "name", "number", "nil", "raw", "quoted", "variable", "(")
)


class Known(NamedTuple):
    """The variables of one name of a template: those in sight, and the slots of all."""

    names: list[tuple[str, int]]
    slots: int


class Pipelines:
    """The tokens of a template, and how its pipelines are read from them."""

    def __init__(self, tokens: list[TemplateToken], functions: Container[str]) -> None:
        self._tokens, self._at, self._functions = tokens, 0, functions
        self._names: list[tuple[str, int]] = [("$", 0)]
        self.slots = 1
        self._level = 0

    # Tokens.

    def peek(self) -> TemplateToken:
        """The next token."""
        return self._tokens[self._at]

    def next(self) -> TemplateToken:
        """Take the next token; the last one stays."""
        token = self._tokens[self._at]
        self._at += self._at + 1 < len(self._tokens)
        return token

    def peek_word(self) -> TemplateToken:
        """The next token that is no space."""
        if self._tokens[self._at].kind == "space":
            self._at += 1
        return self._tokens[self._at]

    def next_word(self) -> TemplateToken:
        """Take the next token that is no space."""
        self.peek_word()
        return self.next()

    def expect(self, kind: TokenKind, context: str) -> TemplateToken:
        """Take a token of this kind. Raises ExpressionError."""
        token = self.next_word()
        if token.kind != kind:
            raise unexpected(token, context)
        return token

    # Variables.

    def enter(self) -> Known:
        """Begin a name of its own; the result leads back."""
        outer = Known(self._names, self.slots)
        self._names, self.slots = [("$", 0)], 1
        return outer

    def leave(self, outer: Known) -> None:
        """Go back to the variables of the name around."""
        self._names, self.slots = outer

    def mark(self) -> int:
        """Where the variables of a block begin."""
        return len(self._names)

    def forget(self, mark: int) -> None:
        """Drop the variables of a block."""
        del self._names[mark:]

    def _slot_of(self, token: TemplateToken) -> int:
        for name, slot in reversed(self._names):
            if name == token.text:
                return slot
        raise ExpressionError(f"undefined variable {token.text}", offset=token.at)

    def _new_slot(self, name: str) -> int:
        self._names.append((name, self.slots))
        self.slots += 1
        return self.slots - 1

    # Pipelines.

    def pipe(self, context: str, end: TokenKind) -> Pipe:
        """A pipeline up to a token, which is taken too. Raises ExpressionError."""
        first = self.peek_word()
        variables, is_new = self._variables(context)
        assigned = () if is_new else tuple(map(self._slot_of, variables))
        commands: list[Command] = []
        while (token := self.peek_word()).kind != end:
            if token.kind not in _STARTS:
                raise unexpected(token, context)
            commands.append(self._command())
        self.next()
        if not commands:
            raise ExpressionError(f"missing value for {context}", offset=first.at)
        for number, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], Constant | Dot | Nil):
                raise ExpressionError(
                    f"non executable command in pipeline stage {number}", offset=command.at
                )
        slots = tuple(self._new_slot(one.text) for one in variables) if is_new else assigned
        return Pipe(first.at, slots, tuple(commands))

    def _variables(self, context: str) -> tuple[list[TemplateToken], bool]:
        """The variables that a pipeline declares or sets, and whether they are new ones."""
        found: list[TemplateToken] = []
        while self.peek_word().kind == "variable":
            start = self._at
            variable = self.next()
            sign = self.peek_word()
            if sign.kind in ("assign", "declare"):
                self.next()
                return [*found, variable], sign.kind == "declare"
            if sign.text != ",":
                self._at = start
                break
            self.next()
            if context != "range" or found:
                raise ExpressionError(f"too many declarations in {context}", offset=sign.at)
            found.append(variable)
            if self.peek_word().kind != "variable":
                raise ExpressionError("range can only initialize variables", offset=sign.at)
        if found:
            raise ExpressionError("range can only initialize variables", offset=found[0].at)
        return [], True

    def _command(self) -> Command:
        """Operands up to `|` or the end of the pipeline."""
        operands: list[Operand] = []
        at = self.peek_word().at
        while self.peek_word().kind in _STARTS:
            operands.append(self._operand())
            token = self.peek()
            if token.kind not in ("space", "close", ")", "pipe"):
                raise unexpected(token, "operand")
        if self.peek_word().kind == "pipe":
            sign = self.next()
            if self.peek_word().kind in ("close", ")"):
                raise ExpressionError("missing value for command", offset=sign.at)
        return Command(at, tuple(operands))

    def _operand(self) -> Operand:
        token = self.next()
        term = self._term(token)
        names = []
        while self.peek().kind == "field":
            names.append(self.next().text[1:])
        if not names:
            return term
        match term:
            case DotFields():
                return DotFields(term.at, (*term.names, *names))
            case VariableFields():
                return VariableFields(term.at, term.slot, (*term.names, *names))
            case FunctionName() | Pipe():
                return PipeFields(token.at, term, tuple(names))
            case _:
                raise ExpressionError(f"unexpected . after term {token.text}", offset=token.at)

    def _term(self, token: TemplateToken) -> Operand:
        match token.kind:
            case "name":
                if token.text not in self._functions:
                    raise ExpressionError(f'function "{token.text}" not defined', offset=token.at)
                return FunctionName(token.at, token.text)
            case "dot":
                return Dot(token.at)
            case "nil":
                return Nil(token.at)
            case "variable":
                return VariableFields(token.at, self._slot_of(token), ())
            case "field":
                return DotFields(token.at, (token.text[1:],))
            case "(":
                return self._parenthesis(token)
            case _:
                return read_constant(token)

    def _parenthesis(self, token: TemplateToken) -> Pipe:
        self._level += 1
        if self._level > PARENTHESES_MAX:
            raise ExpressionError(
                f"parentheses have at most {PARENTHESES_MAX} levels", offset=token.at
            )
        pipe = self.pipe("parenthesized pipeline", ")")
        self._level -= 1
        return pipe


def unexpected(token: TemplateToken, context: str) -> ExpressionError:
    """The error of a token that does not fit."""
    text = token.text if token.kind not in ("close", "end of text") else f"{token.kind} of action"
    return ExpressionError(f"unexpected {text.strip() or token.kind} in {context}", offset=token.at)
