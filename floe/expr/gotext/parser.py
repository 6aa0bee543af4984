"""Reads a Go template into its tree: the text of each name.

Source: https://pkg.go.dev/text/template, "Actions" and "Nested template definitions".
"""

from collections.abc import Container
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.literals import read_text
from floe.expr.gotext.pipelines import Pipelines
from floe.expr.gotext.tokens import TemplateToken, tokens_of
from floe.expr.gotext.tree import (
    Action,
    Block,
    Body,
    Branch,
    Include,
    Leave,
    Part,
    Pipe,
    PlainText,
)

MAIN: Final = "tmpl"
"""The name of the template itself."""

NESTED_MAX: Final = 50
"""Levels of blocks within each other."""

_ENDS: Final = frozenset(("else", "end"))


def read_template(text: str, functions: Container[str]) -> dict[str, Body]:
    """The text of each name, the template's own under `MAIN`. Raises ExpressionError."""
    reader = _Reader(list(tokens_of(text)), functions)
    reader.read_main()
    return reader.bodies


class _Reader:
    """Reads the blocks of one template; pipelines are read by `Pipelines`."""

    def __init__(self, tokens: list[TemplateToken], functions: Container[str]) -> None:
        self.pipelines = Pipelines(tokens, functions)
        self.bodies: dict[str, Body] = {}
        self.ranges = 0
        self.level = 0

    def read_main(self) -> None:
        """Read all text, with the definitions at its top level."""
        parts: list[Part] = []
        while (token := self.pipelines.next()).kind != "end of text":
            if token.kind == "text":
                parts.append(PlainText(token.at, token.text))
                continue
            word = self.pipelines.peek_word()
            if word.kind == "keyword" and word.text == "define":
                self.pipelines.next_word()
                self._define()
                continue
            if word.kind == "keyword" and word.text in _ENDS:
                raise _unexpected(word)
            parts.append(self._action(token))
        self._add(MAIN, tuple(parts), self.pipelines.slots)

    def _define(self) -> None:
        """`{{define "name"}}…{{end}}`"""
        name = self._name("define clause")
        self.pipelines.expect("close", "define clause")
        self._body(name)

    def _body(self, name: str) -> None:
        """The text of a name, up to its `end`: it sees no variable of the rest."""
        outer, ranges = self.pipelines.enter(), self.ranges
        self.ranges = 0
        block, end = self._block()
        if end.text != "end":
            raise _unexpected(end)
        self.pipelines.expect("close", "end")
        self._add(name, block, self.pipelines.slots)
        self.pipelines.leave(outer)
        self.ranges = ranges

    def _add(self, name: str, block: Block, slots: int) -> None:
        known = self.bodies.get(name)
        if known is None or _is_blank(known.block):
            self.bodies[name] = Body(block, slots)
        elif not _is_blank(block):
            raise ExpressionError(f'multiple definition of template "{name}"', offset=block[0].at)

    def _block(self) -> tuple[Block, TemplateToken]:
        """Parts up to `else` or `end`, and that word."""
        self.level += 1
        if self.level > NESTED_MAX:
            raise ExpressionError(
                f"blocks have at most {NESTED_MAX} levels", offset=self.pipelines.peek().at
            )
        parts: list[Part] = []
        while (token := self.pipelines.next()).kind != "end of text":
            if token.kind == "text":
                parts.append(PlainText(token.at, token.text))
                continue
            word = self.pipelines.peek_word()
            if word.kind == "keyword" and word.text in _ENDS:
                self.level -= 1
                return tuple(parts), self.pipelines.next_word()
            parts.append(self._action(token))
        raise ExpressionError("unexpected EOF", "each block ends with {{end}}", token.at)

    def _action(self, opened: TemplateToken) -> Part:
        word = self.pipelines.peek_word()
        if word.kind != "keyword":
            return Action(opened.at, self.pipelines.pipe("command", "close"))
        self.pipelines.next_word()
        match word.text:
            case "if" | "with" | "range":
                return self._branch(word)
            case "break" | "continue":
                return self._leave(word)
            case "template":
                name = self._name("template clause")
                return Include(word.at, name, self._argument())
            case "block":
                return self._inner_block(word)
            case _:
                raise _unexpected(word)

    def _branch(self, word: TemplateToken) -> Branch:
        mark = self.pipelines.mark()
        pipe = self.pipelines.pipe(word.text, "close")
        is_range = word.text == "range"
        self.ranges += is_range
        then, end = self._block()
        self.ranges -= is_range
        otherwise: Block = ()
        if end.text == "else":
            otherwise = self._otherwise(word, end)
        else:
            self.pipelines.expect("close", "end")
        self.pipelines.forget(mark)
        return Branch(word.at, word.text, pipe, then, otherwise)

    def _otherwise(self, word: TemplateToken, end: TemplateToken) -> Block:
        """What stands behind `else`; `else if` and `else with` are a branch in it."""
        following = self.pipelines.peek_word()
        if following.kind == "keyword" and following.text in ("if", "with"):
            if following.text != word.text:
                raise _unexpected(following)
            self.level += 1
            if self.level > NESTED_MAX:
                raise ExpressionError(f"blocks have at most {NESTED_MAX} levels", offset=end.at)
            branch = self._branch(self.pipelines.next_word())
            self.level -= 1
            return (branch,)
        self.pipelines.expect("close", "else")
        block, last = self._block()
        if last.text != "end":
            raise ExpressionError("expected end; found {{else}}", offset=last.at)
        self.pipelines.expect("close", "end")
        return block

    def _leave(self, word: TemplateToken) -> Leave:
        if not self.ranges:
            raise ExpressionError(f"{{{{{word.text}}}}} outside {{{{range}}}}", offset=word.at)
        self.pipelines.expect("close", word.text)
        return Leave(word.at, word.text)

    def _argument(self) -> Pipe | None:
        if self.pipelines.peek_word().kind == "close":
            self.pipelines.next_word()
            return None
        return self.pipelines.pipe("template clause", "close")

    def _inner_block(self, word: TemplateToken) -> Include:
        """`{{block "name" pipeline}}…{{end}}` defines a name and includes it."""
        name = self._name("block clause")
        pipe = self.pipelines.pipe("block clause", "close")
        self._body(name)
        return Include(word.at, name, pipe)

    def _name(self, context: str) -> str:
        token = self.pipelines.next_word()
        if token.kind not in ("quoted", "raw"):
            raise _unexpected(token, context)
        return read_text(token)


def _unexpected(token: TemplateToken, context: str = "") -> ExpressionError:
    text = f"{{{{{token.text}}}}}" if token.text in _ENDS else token.text or token.kind
    where = f" in {context}" if context else ""
    return ExpressionError(f"unexpected {text}{where}", offset=token.at)


def _is_blank(block: Block) -> bool:
    return all(isinstance(part, PlainText) and not part.text.strip() for part in block)
