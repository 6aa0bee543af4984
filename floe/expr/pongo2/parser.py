"""Parses the tokens of an expression into a tree.

From loose to tight: `and or` (one level, from right to left), comparisons and `in` (from right to
left), `+ -`, `* / %`, `^`, filters. A sign and `not` belong to the first term alone, so
`not a == b` is `(not a) == b`. A filter takes one value as its argument.

Source: pongo2's parser_expression.go and variable.go.
"""

from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import DEPTH_MAX
from floe.expr.pongo2.go_text import number_in, whole_in
from floe.expr.pongo2.tokens import PongoToken, TokenKind
from floe.expr.pongo2.tree import (
    CalledFilter,
    FilteredValue,
    Part,
    PathStep,
    PrefixedTerm,
    TemplateChain,
    TemplateLiteral,
    TemplateOperand,
    TemplatePath,
)

_COMPARISONS: Final = ("==", "<=", ">=", "!=", "<>", ">", "<")
_HINTS: Final = {
    "not": "write `not (a in b)`",
    "[": "`.0` is the first element, |index:n any other one",
    "~": "|add joins two texts",
}


class Nesting:
    """How deep the parser is in tags and brackets, and the expressions that it found in them."""

    def __init__(self) -> None:
        self._depth = 0
        self.found: list[Part] = []

    def enter(self, at: int) -> None:
        """Go one level deeper. Raises ExpressionError."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            what = f"a template has at most {DEPTH_MAX} levels of tags and brackets"
            raise ExpressionError(what, offset=at)

    def leave(self) -> None:
        """Come back from a level."""
        self._depth -= 1


class TokenReader:
    """Reads tokens one by one: those of a template, or the arguments of one tag."""

    def __init__(self, tokens: list[PongoToken], end: int, nesting: Nesting) -> None:
        self._tokens, self._end, self.nesting = tokens, end, nesting
        self._at = 0

    @property
    def current(self) -> PongoToken | None:
        """The next token, or None at the end."""
        return self.ahead(0)

    @property
    def at(self) -> int:
        """The place of the next token."""
        return self._end if self.current is None else self.current.at

    @property
    def is_done(self) -> bool:
        """Whether no token is left."""
        return self._at >= len(self._tokens)

    def ahead(self, count: int) -> PongoToken | None:
        """The token so many after the next one; negative for those before."""
        at = self._at + count
        return self._tokens[at] if 0 <= at < len(self._tokens) else None

    def take(self) -> PongoToken | None:
        """The next token, which is read."""
        token = self.current
        self._at += 1
        return token

    def has(self, kind: TokenKind, text: str) -> bool:
        """Whether a token is among those that this reader has, read or not."""
        return any(token.kind == kind and token.text == text for token in self._tokens)

    def match(self, kind: TokenKind, *texts: str) -> PongoToken | None:
        """The next token if it is of a kind and one of some texts, or of any; it is read."""
        token = self.current
        if token is None or token.kind != kind or (texts and token.text not in texts):
            return None
        self._at += 1
        return token

    def need(self, kind: TokenKind, *texts: str, what: str) -> PongoToken:
        """The next token, which must be so. Raises ExpressionError."""
        token = self.match(kind, *texts)
        if token is None:
            raise self.unexpected(what)
        return token

    def end(self, tag: str) -> None:
        """Nothing may be left. Raises ExpressionError."""
        if not self.is_done:
            raise self.unexpected(f"`{tag}` should end")

    def unexpected(self, what: str) -> ExpressionError:
        """The error that the next token is, against what is needed."""
        token = self.current
        if token is None:
            return ExpressionError(f"{what}, but here is the end", offset=self._end)
        hint = _HINTS.get(token.text[:1] if token.kind == "plain" else token.text, "")
        return ExpressionError(f"{what}, but here is `{token.text[:20]}`", hint, token.at)

    def expression(self) -> Part:
        """The expression that comes next. Raises ExpressionError."""
        self.nesting.enter(self.at)
        first = self._compared()
        rest: list[TemplateOperand] = []
        while token := self.match("sign", "&&", "||") or self.match("keyword", "and", "or"):
            sign = {"&&": "and", "||": "or"}.get(token.text, token.text)
            rest.append(TemplateOperand(token.at, sign, self._compared()))
        self.nesting.leave()
        part = TemplateChain(first, tuple(rest)) if rest else first
        self.nesting.found.append(part)
        return part

    def _compared(self) -> Part:
        first = self._sum()
        rest: list[TemplateOperand] = []
        while token := self.match("sign", *_COMPARISONS):
            sign = "!=" if token.text == "<>" else token.text
            rest.append(TemplateOperand(token.at, sign, self._sum()))
        if token := self.match("keyword", "in"):
            rest.append(TemplateOperand(token.at, "in", self._sum()))
        return TemplateChain(first, tuple(rest)) if rest else first

    def _sum(self) -> Part:
        at = self.at
        sign = self.match("sign", "+", "-")
        is_minus = sign is not None and sign.text == "-"
        is_negated = bool(self.match("sign", "!") or self.match("keyword", "not"))
        first = self._product()
        if is_negated or is_minus:
            first = PrefixedTerm(at, is_negated, is_minus, first)
        rest: list[TemplateOperand] = []
        while token := self.match("sign", "+", "-"):
            rest.append(TemplateOperand(token.at, token.text, self._product()))
        return TemplateChain(first, tuple(rest)) if rest else first

    def _product(self) -> Part:
        first = self._power()
        rest: list[TemplateOperand] = []
        while token := self.match("sign", "*", "/", "%"):
            rest.append(TemplateOperand(token.at, token.text, self._power()))
        return TemplateChain(first, tuple(rest)) if rest else first

    def _power(self) -> Part:
        first = self._factor()
        rest: list[TemplateOperand] = []
        while token := self.match("sign", "^"):
            rest.append(TemplateOperand(token.at, "^", self._factor()))
        return TemplateChain(first, tuple(rest)) if rest else first

    def _factor(self) -> Part:
        if self.match("sign", "("):
            part = self.expression()
            self.need("sign", ")", what="`(` needs `)`")
            return part
        at = self.at
        of = self.value()
        calls: list[CalledFilter] = []
        while self.match("sign", "|"):
            calls.append(self.filter_call())
        return FilteredValue(at, of, tuple(calls)) if calls else of

    def filter_call(self) -> CalledFilter:
        """The name of a filter and its argument. Raises ExpressionError."""
        name = self.need("name", what="the name of a filter should be here")
        argument = self.value() if self.match("sign", ":") else None
        return CalledFilter(name.at, name.text, argument)

    def value(self) -> TemplateLiteral | TemplatePath:
        """A literal, or a path with its calls. Raises ExpressionError."""
        token = self.current
        if token is None:
            raise self.unexpected("a value should be here")
        if token.kind == "text":
            self.take()
            return TemplateLiteral(token.at, token.text)
        if token.kind == "number":
            self.take()
            return self._number(token)
        if token.kind == "keyword" and token.text in ("true", "false"):
            self.take()
            return TemplateLiteral(token.at, token.text == "true")
        return self._path(self.need("name", what="a value should be here"))

    def _number(self, token: PongoToken) -> TemplateLiteral:
        if not self.match("sign", "."):
            return TemplateLiteral(token.at, _whole(token))
        decimals = self.need("number", what="digits should follow the point")
        number = number_in(f"{token.text}.{decimals.text}")
        if number is None:
            raise ExpressionError("a number is too large", offset=token.at)
        return TemplateLiteral(token.at, number)

    def _path(self, first: PongoToken) -> TemplatePath:
        steps: list[PathStep] = [PathStep(first.text)]
        while True:
            if self.match("sign", "."):
                if number := self.match("number"):
                    steps.append(PathStep(_whole(number)))
                else:
                    name = self.need("name", what="a name or a number should follow the point")
                    steps.append(PathStep(name.text))
            elif self.match("sign", "("):
                last = steps[-1]
                steps[-1] = PathStep(last.name, (*(last.arguments or ()), *self._arguments()))
            else:
                return TemplatePath(first.at, tuple(steps))

    def _arguments(self) -> list[Part]:
        found: list[Part] = []
        while not self.match("sign", ")"):
            found.append(self.expression())
            if not self.match("sign", ","):
                self.need("sign", ")", what="a comma or `)` should follow an argument")
                break
        return found


def _whole(token: PongoToken) -> int:
    number = whole_in(token.text)
    if number is None:
        raise ExpressionError("a number is too large", "it has at most 64 bits", token.at)
    return number
