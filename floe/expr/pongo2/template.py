"""A template of flyte: read once, rendered often."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel
from floe.expr.pongo2.document import TemplateDocument
from floe.expr.pongo2.functions import PLAIN_FUNCTIONS, deeper
from floe.expr.pongo2.go_text import printable
from floe.expr.pongo2.scope import (
    Node,
    RenderedText,
    Rendering,
    TemplateScope,
    TemplateSurroundings,
)
from floe.expr.pongo2.tags.choices import CHOICES
from floe.expr.pongo2.tags.names import NAMES
from floe.expr.pongo2.tags.texts import TEXTS
from floe.expr.pongo2.tokens import PongoToken, tokens
from floe.expr.pongo2.tree import Part
from floe.expr.pongo2.values import GoStruct, TemplateFunction, Value, text_of

RENDER_FUEL: Final = 200_000
"""Of a rendering: each value, filter, tag and turn of a loop costs a unit."""

TAGS: Final = {**CHOICES, **NAMES, **TEXTS}
_NAME: Final = re.compile(r"[a-zA-Z0-9_]+")
_BEFORE, _BEHIND = "{% autoescape off %}", "{% endautoescape %}"
_PONGO2: Final = GoStruct("pongo2.Context", {"version": "dev"})


class PongoTemplate:
    """A template that has no mistake that can be seen before a rendering."""

    __slots__ = ("_node", "exported", "text")

    def __init__(self, text: str, node: Node, exported: frozenset[str]) -> None:
        self.text, self._node, self.exported = text, node, exported

    def render(
        self,
        names: Mapping[str, Value],
        surroundings: TemplateSurroundings,
        fuel: Fuel | None = None,
    ) -> str:
        """The text that it gives. Raises nothing but ExpressionError, with its place if known."""
        rendering = Rendering(fuel or Fuel(RENDER_FUEL), surroundings)
        try:
            return printable(written(self, TemplateScope({**names, **FUNCTIONS}, rendering)))
        except RecursionError:
            raise TooMuch("the template is too deep") from None

    def write(self, scope: TemplateScope, out: RenderedText) -> None:
        """Write its text. Raises ExpressionError, whose place is behind the tag around it."""
        self._node(scope, out)


def written(template: PongoTemplate, scope: TemplateScope) -> str:
    """The text of a template in a scope of its own. Raises ExpressionError."""
    if taken := template.exported & scope.given.keys():
        raise ExpressionError(f"`{min(taken)}` is no name for a macro: a value has it")
    scope.set["pongo2"] = _PONGO2
    out = RenderedText()
    try:
        template.write(scope, out)
    except ExpressionError as fault:
        raise _in_text(fault, template.text) from None
    return out.text()


class TemplateParts(NamedTuple):
    """What a template is made of, for a check that renders nothing."""

    found: tuple[Part, ...]
    """All expressions, those inside others too; their places are `PLACE` behind those in the text.
    """
    shown: tuple[Part, ...]
    """Those whose values are written."""
    tokens: tuple[PongoToken, ...]
    """All tokens of the text, without those around it."""


PLACE: Final = len(_BEFORE)


def parse(text: str) -> PongoTemplate:
    """Read a template. Raises ExpressionError with the place of the mistake."""
    document, node = _read(text)
    return PongoTemplate(text, node, frozenset(document.macros))


def parts_of(text: str) -> TemplateParts:
    """What a template is made of. Raises ExpressionError with the place of the mistake."""
    document, _ = _read(text)
    return TemplateParts(tuple(document.found), tuple(document.shown), tuple(tokens(text)))


def _read(text: str) -> tuple[TemplateDocument, Node]:
    if text.endswith("{") and not text.endswith("{{"):
        hint = "{% templatetag openbrace %} gives it"
        raise ExpressionError("a template cannot end in `{`", hint, len(text) - 1)
    try:
        # As flyte does, for what depends on it: a text may end this tag and begin it again.
        document = TemplateDocument(f"{_BEFORE}{text}{_BEHIND}", TAGS)
        node = document.whole()
    except ExpressionError as fault:
        raise _in_text(fault, text) from None
    except RecursionError:
        raise TooMuch("the template is too deep") from None
    return document, node


def _in_text(fault: ExpressionError, text: str) -> ExpressionError:
    """An error with its place in the text itself."""
    if fault.offset is not None:
        fault.offset = min(max(fault.offset - len(_BEFORE), 0), len(text))
    return fault


def _template(text: Value, names: Mapping[str, Value], rendering: Rendering) -> Value:
    """The function `template`: a text rendered with these names alone. Raises ExpressionError."""
    if not all(map(_NAME.fullmatch, names)):
        what = "a key of the names for `template` has other signs than A-Z, a-z, 0-9 and _"
        raise ExpressionError(what)
    source = text_of(text)
    rendering.fuel.make(len(source))
    rendering.fuel.spend(source.count("{") + len(names))
    try:
        inner = parse(source)
        scope = TemplateScope({**names, **FUNCTIONS}, rendering)
        return deeper(rendering, lambda: written(inner, scope))
    except TooMuch as fault:
        raise TooMuch(fault.what, fault.hint) from None
    except ExpressionError as fault:
        raise ExpressionError(f"in the inner template: {fault.what}", fault.hint) from None


FUNCTIONS: Final[Mapping[str, Value]] = {
    **PLAIN_FUNCTIONS,
    "template": TemplateFunction("template", ("any", "map[string]interface {}"), _template),
}
"""The functions that each template has; a name that is given never hides one."""
