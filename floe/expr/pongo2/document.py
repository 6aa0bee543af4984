"""Parses a template: plain text, `{{ expression }}`, and tags with what they enclose."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.compiler import compiled
from floe.expr.pongo2.filters.html import escaped
from floe.expr.pongo2.parser import Nesting, TokenReader
from floe.expr.pongo2.scope import Evaluate, Node, RenderedText, TemplateScope
from floe.expr.pongo2.tokens import BLANKS, PongoToken, tokens
from floe.expr.pongo2.tree import Part, has_filter
from floe.expr.pongo2.values import SafeText, text_of

NOT_OFFERED: Final = frozenset({"include", "import", "extends", "ssi"})
"""Tags of pongo2 that read files of the server."""


class EnclosedPart(NamedTuple):
    """What a tag encloses, and the tag that ends it."""

    body: Node
    end: str
    arguments: TokenReader


class TemplateDocument:
    """Reads a template from its tokens."""

    def __init__(self, text: str, tags: Mapping[str, "ReadTag"]) -> None:
        found = tokens(text)
        self._tags = tags
        self._reader = TokenReader(found, len(text), Nesting())
        self._count = 0
        self._open: list[PongoToken] = []
        self.blocks: set[str] = set()
        """The names of the blocks."""
        self.macros: set[str] = set()
        """The names of the macros that are exported: no name that is given may be so."""
        self.shown: list[Part] = []
        """The expressions whose values are written."""

    def whole(self) -> Node:
        """All of the template. Raises ExpressionError."""
        nodes: list[Node] = []
        while not self._reader.is_done:
            nodes.append(self._element())
        return in_a_row(nodes)

    @property
    def found(self) -> list[Part]:
        """All expressions: those of tags, and those inside others."""
        return self._reader.nesting.found

    def number(self) -> int:
        """A number for a tag that keeps a state in a rendering."""
        self._count += 1
        return self._count

    def until(self, tag: PongoToken, *ends: str) -> EnclosedPart:
        """What is enclosed up to one of some tags. Raises ExpressionError."""
        reader, nodes = self._reader, list[Node]()
        while not reader.is_done:
            end = self._end(ends)
            if end is not None:
                return EnclosedPart(in_a_row(nodes), end, self._arguments(end))
            nodes.append(self._element())
        raise self._unclosed(tag, ends[-1])

    def closed(self, tag: PongoToken, end: str) -> Node:
        """What is enclosed up to a tag without arguments. Raises ExpressionError."""
        enclosed = self.until(tag, end)
        enclosed.arguments.end(end)
        return enclosed.body

    def skip(self, tag: PongoToken, end: str) -> None:
        """Leave out everything up to a tag. Raises ExpressionError."""
        while not self._reader.is_done:
            if self._end((end,)) is not None:
                self._arguments(end).end(end)
                return
            self._reader.take()
        raise self._unclosed(tag, end)

    def _unclosed(self, tag: PongoToken, end: str) -> ExpressionError:
        return ExpressionError(f"`{tag.text}` is never closed", f"{{% {end} %}}", tag.at)

    def _end(self, ends: tuple[str, ...]) -> str | None:
        """The name of the tag that comes next if it is one of these; it is read then."""
        opened, name = self._reader.current, self._reader.ahead(1)
        if opened is None or name is None or (opened.kind, opened.text) != ("sign", "{%"):
            return None
        if name.kind != "name" or name.text not in ends:
            return None
        self._reader.take()
        self._reader.take()
        return name.text

    def _arguments(self, tag: str) -> TokenReader:
        found: list[PongoToken] = []
        reader = self._reader
        while not reader.match("sign", "%}"):
            token = reader.take()
            if token is None:
                raise ExpressionError(f"`{tag}` is never closed by `%}}`", offset=reader.at)
            found.append(token)
        closing = reader.ahead(-1)
        return TokenReader(found, closing.at if closing else 0, reader.nesting)

    def _element(self) -> Node:
        token = self._reader.current
        assert token is not None
        if token.kind == "plain":
            return self._plain(token)
        if token.kind == "sign" and token.text == "{{":
            return self._shown()
        if token.kind == "sign" and token.text == "{%":
            return self._tag()
        raise self._reader.unexpected("a text or tag should be here")

    def _plain(self, token: PongoToken) -> Node:
        before, after = self._reader.ahead(-1), self._reader.ahead(1)
        self._reader.take()
        text = token.text
        if before is not None and before.trims:
            text = text.lstrip(BLANKS)
        if after is not None and after.trims:
            text = text.rstrip(BLANKS)
        return written(text)

    def _shown(self) -> Node:
        self._reader.take()
        part = self._reader.expression()
        self._reader.need("sign", "}}", what="`{{` needs `}}`")
        self.shown.append(part)
        return _value_of(compiled(part), is_safe=has_filter(part, "safe"))

    def _tag(self) -> Node:
        opened = self._reader.take()
        name = self._reader.need("name", what="the name of a tag should be here")
        if name.text in NOT_OFFERED:
            hint = "it reads files of the server; template(datastore('…'), …) renders a stored text"
            raise ExpressionError(f"the tag `{name.text}` is not offered", hint, name.at)
        read = self._tags.get(name.text)
        if read is None:
            raise self._unknown(name)
        assert opened is not None
        arguments = self._arguments(name.text)
        self._reader.nesting.enter(opened.at)
        self._open.append(name)
        node = read(self, name, arguments)
        self._open.pop()
        self._reader.nesting.leave()
        return node

    def _unknown(self, name: PongoToken) -> ExpressionError:
        """The error that an unknown tag is: mostly the end of one that encloses an open tag."""
        if name.text.startswith("end") and len(self._open) > 1:
            return self._unclosed(self._open[-1], f"end{self._open[-1].text}")
        return ExpressionError(f"there is no tag `{name.text}`", offset=name.at)


ReadTag = Callable[[TemplateDocument, PongoToken, TokenReader], Node]
"""Reads a tag, from its name and arguments and from the document behind it."""


def written(text: str) -> Node:
    """A node that writes a text."""
    return lambda scope, out: out.write(text)


def in_a_row(nodes: list[Node]) -> Node:
    """A node of several."""

    def run(scope: TemplateScope, out: RenderedText) -> None:
        fuel = scope.rendering.fuel
        for node in nodes:
            fuel.spend(1)
            node(scope, out)

    return run


def _value_of(evaluate: Evaluate, *, is_safe: bool) -> Node:
    def run(scope: TemplateScope, out: RenderedText) -> None:
        value = evaluate(scope)
        text = text_of(value)
        scope.rendering.fuel.make(len(text))
        if (
            scope.escapes
            and not is_safe
            and isinstance(value, str)
            and not isinstance(value, SafeText)
        ):
            scope.rendering.fuel.make(6 * len(text))
            text = escaped(text)
        out.write(text)

    return run
