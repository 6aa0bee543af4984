"""Parses the tokens of an expression into a tree, with the precedence of Jinja.

From loose to tight: `if else`, `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, signs,
`.name [] | is`. A chain of operators is one part, so a tree is as deep as its text is nested.

Source: https://jinja.palletsprojects.com/en/stable/templates/#expressions
"""

from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.flow.tokens import ExpressionToken
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
    Operand,
    Part,
    Prefix,
    Slice,
    Tested,
    Within,
)
from floe.expr.fuel import DEPTH_MAX
from floe.expr.paths import HOSTS
from floe.model.ids import Json

CONSTANTS: Final[dict[str, Json]] = {
    "true": True,
    "false": False,
    "null": None,
    "none": None,
    "True": True,
    "False": False,
    "None": None,
}
_WORDS: Final = frozenset({"and", "or", "not", "in", "is", "if", "else", *CONSTANTS})
_OR, _AND, _NOT, _COMPARED, _SUM, _JOINED, _PRODUCT, _TIGHT = range(1, 9)
LEVELS: Final = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), _COMPARED),
    **dict.fromkeys("+-", _SUM),
    "~": _JOINED,
    **dict.fromkeys(("*", "/", "//", "%"), _PRODUCT),
}
"""The operators between two values, by how tight they are."""
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_OTHER_SIGNS: Final = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "=": "write `==`",
    "**": "there is no power",
}


class Parser:
    """Reads one expression from its tokens, which end with an end."""

    def __init__(self, tokens: list[ExpressionToken]) -> None:
        self._tokens = [*tokens, tokens[-1], tokens[-1]]  # so that two can be seen ahead
        self._at = 0
        self._depth = 0

    def whole(self) -> Part:
        """The expression that all tokens make. Raises ExpressionError."""
        part = self._expression()
        if self._next.kind != "end":
            raise self._unexpected("the expression should end")
        return part

    @property
    def _next(self) -> ExpressionToken:
        return self._tokens[self._at]

    def _take(self) -> ExpressionToken:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _is(self, *words: str) -> bool:
        token = self._next
        return token.kind in ("sign", "name") and token.text in words

    def _skip(self, *words: str) -> bool:
        is_there = self._is(*words)
        self._at += is_there
        return is_there

    def _expect(self, sign: str, why: str) -> None:
        if not self._skip(sign):
            raise self._unexpected(f"{why} needs `{sign}`")

    def _unexpected(self, what: str) -> ExpressionError:
        token = self._next
        found = f"here is `{token.text[:20]}`" if token.kind != "end" else "here is the end"
        return ExpressionError(f"{what}, but {found}", _OTHER_SIGNS.get(token.text, ""), token.at)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(
                f"an expression has at most {DEPTH_MAX} levels", offset=self._next.at
            )

    def _expression(self) -> Part:
        self._deeper()
        part = self._chain(_OR)
        if self._is("if"):
            at = self._take().at
            test = self._chain(_OR)
            self._expect("else", "`if` in an expression")
            part = IfElse(at, part, test, self._expression())
        self._depth -= 1
        return part

    def _chain(self, loosest: int) -> Part:
        self._deeper()
        part = self._prefixed(loosest)
        while (level := LEVELS.get(sign := self._sign(), 0)) >= loosest:
            at, rest = self._next.at, list[Operand]()
            while LEVELS.get(sign := self._sign()) == level:
                at_sign = self._next.at
                if level == _COMPARED and rest and not {rest[-1].sign, sign} <= _ORDERS:
                    hint = "put brackets around the first comparison"
                    raise ExpressionError(
                        f"`{sign}` cannot follow `{rest[-1].sign}`", hint, at_sign
                    )
                self._at += 2 if sign == "not in" else 1
                rest.append(Operand(at_sign, sign, self._chain(level + 1)))
            part = Chain(at, part, tuple(rest))
        self._depth -= 1
        return part

    def _sign(self) -> str:
        token = self._next
        if token.kind not in ("sign", "name"):
            return ""
        after = self._tokens[self._at + 1] if token.text == "not" else token
        return "not in" if token.text == "not" and after.text == "in" else token.text

    def _prefixed(self, loosest: int) -> Part:
        token = self._next
        if self._is("not"):
            if loosest > _NOT:
                raise ExpressionError("`not` needs brackets here", "(not …)", token.at)
            self._take()
            return Prefix(token.at, "not", self._chain(_NOT))
        if self._is("-", "+"):
            self._take()
            if self._is("-", "+"):
                raise ExpressionError("a second sign needs brackets", "-(-1)", self._next.at)
            part: Part = Prefix(token.at, token.text, self._within(self._primary()))
        else:
            part = self._within(self._primary())
        return self._judged(part)

    def _primary(self) -> Part:
        token = self._take()
        if token.kind == "value":
            return Literal(token.at, token.value)
        if token.kind == "name":
            if token.text in CONSTANTS:
                return Literal(token.at, CONSTANTS[token.text])
            if token.text not in _WORDS:
                return self._path(token)
        elif token.text == "(":
            part = self._expression()
            self._expect(")", "`(`")
            return part
        elif token.text == "[":
            return ListPart(token.at, tuple(self._items("]")))
        elif token.text == "{":
            return MapPart(token.at, tuple(self._pairs()))
        self._at -= token.kind != "end"
        raise self._unexpected("a value should be here")

    def _path(self, token: ExpressionToken) -> Part:
        """A name with the plain steps behind it."""
        path: list[str | int] = [token.text]
        while True:
            one, two, three = self._tokens[self._at : self._at + 3]
            if one.text == "." and two.kind == "name":
                path.append(two.text)
                self._at += 2
            elif (
                one.text == "["
                and two.kind == "value"
                and isinstance(step := two.value, str | int)
                and three.text == "]"
            ):
                path.append(step)
                self._at += 3
            else:
                break
        if path == ["hosts"] and self._skip("("):
            return Named(token.at, (HOSTS, *self._tags()))
        if self._is("("):
            hint = "`value|name` is how a filter is written"
            raise ExpressionError(f"`{path[-1]}` cannot be called", hint, self._next.at)
        return Named(token.at, tuple(path))

    def _tags(self) -> list[str]:
        """The tags that `hosts` is called with, behind its bracket."""
        tags: list[str] = []
        while not self._skip(")"):
            token = self._take()
            if not isinstance(token.value, str):
                what = "a tag of `hosts` is quoted text, never a value"
                raise ExpressionError(what, "hosts('linux')", token.at)
            tags.append(token.value)
            if not self._skip(","):
                self._expect(")", "`hosts(`")
                break
        return tags

    def _within(self, part: Part) -> Part:
        """A part with the steps into it that are behind it."""
        steps: list[Index | Slice] = []
        while self._is(".", "["):
            token = self._take()
            if token.text == "[":
                steps.append(self._bracket(token.at))
            elif self._next.kind == "name":
                steps.append(Index(token.at, Literal(token.at, self._take().text)))
            else:
                hint = "a name that begins with a digit is written ['3d']"
                raise ExpressionError("a name should follow the dot", hint, token.at)
        return Within(steps[0].at, part, tuple(steps)) if steps else part

    def _bracket(self, at: int) -> Index | Slice:
        bounds: list[Part | None] = []
        while True:
            bounds.append(None if self._is(":", "]") else self._expression())
            if len(bounds) == 3 or not self._skip(":"):
                break
        self._expect("]", "`[`")
        start, stop, step = (*bounds, None, None)[:3]
        if len(bounds) > 1:
            return Slice(at, start, stop, step)
        if start is None:
            raise ExpressionError("`[]` needs a number or a name", offset=at)
        return Index(at, start)

    def _items(self, end: str) -> list[Part]:
        items: list[Part] = []
        while not self._skip(end):
            items.append(self._expression())
            if not self._skip(","):
                self._expect(end, "a list")
                break
        return items

    def _pairs(self) -> list[tuple[Part, Part]]:
        pairs: list[tuple[Part, Part]] = []
        while not self._skip("}"):
            key = self._expression()
            self._expect(":", "a key of a map")
            pairs.append((key, self._expression()))
            if not self._skip(","):
                self._expect("}", "a map")
                break
        return pairs

    def _judged(self, part: Part) -> Part:
        """A part with the filters and tests behind it."""
        before = self._depth
        while self._is("|", "is"):
            self._deeper()
            at = self._next.at
            if self._is("|"):
                calls: list[FilterCall] = []
                while self._skip("|"):
                    calls.append(self._call("a filter"))
                part = Filtered(at, part, tuple(calls))
            else:
                self._take()
                negated = self._skip("not")
                part = Tested(at, part, self._call("a test"), negated)
        self._depth = before
        return part

    def _call(self, kind: str) -> FilterCall:
        token = self._next
        if token.kind != "name":
            raise self._unexpected(f"the name of {kind} should be here")
        self._take()
        if self._is("."):
            raise ExpressionError(
                "brackets are needed before `.`", "(value|filter).name", self._next.at
            )
        args: list[Part] = []
        named: dict[str, Part] = {}
        if self._skip("("):
            while not self._skip(")"):
                name, sign = self._tokens[self._at : self._at + 2]
                if name.kind == "name" and sign.text == "=":
                    self._at += 2
                    if name.text in named:
                        raise ExpressionError(f"`{name.text}` is given twice", offset=name.at)
                    named[name.text] = self._expression()
                elif named:
                    raise ExpressionError("an argument with a name comes last", offset=name.at)
                else:
                    args.append(self._expression())
                if not self._skip(","):
                    self._expect(")", "`(`")
                    break
        return FilterCall(token.at, token.text, tuple(args), named)
