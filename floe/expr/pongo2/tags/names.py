"""Tags that give names: `set`, `with`, `macro`, `block`."""

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.compiler import compiled
from floe.expr.pongo2.document import ReadTag, TemplateDocument
from floe.expr.pongo2.functions import deeper
from floe.expr.pongo2.parser import TokenReader
from floe.expr.pongo2.scope import Evaluate, Node, RenderedText, Rendering, TemplateScope
from floe.expr.pongo2.tokens import PongoToken
from floe.expr.pongo2.values import GoStruct, SafeText, TemplateFunction, Value


def set_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% set name = value %}`: up to the end of the `for`, `with` or macro around it."""
    name = arguments.need("name", what="`set` needs a name").text
    arguments.need("sign", "=", what="`set` needs `=`")
    evaluate = compiled(arguments.expression())
    arguments.end("set")

    def run(scope: TemplateScope, out: RenderedText) -> None:
        scope.set[name] = evaluate(scope)

    return run


def with_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% with a=1 b=2 %}…{% endwith %}`, or `{% with 1 as a %}`."""
    if arguments.is_done:
        raise arguments.unexpected("`with` needs a name")
    body = document.closed(tag, "endwith")
    is_old, pairs = arguments.has("keyword", "as"), dict[str, Evaluate]()
    while not arguments.is_done:
        if is_old:
            part = arguments.expression()
            arguments.need("keyword", "as", what="`with` needs `as`")
            name = arguments.need("name", what="a name should follow `as`").text
        else:
            name = arguments.need("name", what="`with` needs a name").text
            arguments.need("sign", "=", what="`with` needs `=`")
            part = arguments.expression()
        pairs[name] = compiled(part)

    def run(scope: TemplateScope, out: RenderedText) -> None:
        inner = scope.child()
        for name, evaluate in pairs.items():
            inner.set[name] = evaluate(scope)
        body(inner, out)

    return run


def macro_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% macro name(a, b='c') export %}…{% endmacro %}`, which `name('x')` renders."""
    name = arguments.need("name", what="`macro` needs a name").text
    order, defaults = _parameters(arguments)
    is_exported = arguments.match("keyword", "export") is not None
    arguments.end("macro")
    body = document.closed(tag, "endmacro")
    if is_exported:
        if name in document.macros:
            raise ExpressionError(f"the macro `{name}` is there already", offset=tag.at)
        document.macros.add(name)

    def run(outer: TemplateScope, out: RenderedText) -> None:
        def call(*given: Value) -> Value:
            *values, rendering = given
            assert isinstance(rendering, Rendering)
            if len(values) > len(order):
                what = f"the macro `{name}` takes at most {len(order)} arguments"
                raise ExpressionError(what)

            def render() -> str:
                found = {key: one and one(outer) for key, one in defaults.items()}
                scope, made = outer.child(), RenderedText()
                scope.set.update(found)
                scope.set.update(zip(order, values, strict=False))
                body(scope, made)
                return made.text()

            return SafeText(deeper(rendering, render))

        outer.set[name] = TemplateFunction(name, None, call)

    return run


def _parameters(arguments: TokenReader) -> tuple[list[str], dict[str, Evaluate | None]]:
    order: list[str] = []
    defaults: dict[str, Evaluate | None] = {}
    arguments.need("sign", "(", what="`macro` needs `(`")
    while not arguments.match("sign", ")"):
        name = arguments.need("name", what="the name of an argument should be here").text
        order.append(name)
        has_default = arguments.match("sign", "=") is not None
        defaults[name] = compiled(arguments.expression()) if has_default else None
        if not arguments.match("sign", ","):
            arguments.need("sign", ")", what="a comma or `)` should follow an argument")
            break
    return order, defaults


def block_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% block name %}…{% endblock %}`: no template extends another one, so it is its body."""
    name = arguments.need("name", what="`block` needs a name").text
    arguments.end("block")
    enclosed = document.until(tag, "endblock")
    if not enclosed.arguments.is_done:
        enclosed.arguments.need("name", name, what=f"`endblock` of `{name}` is of no other name")
        enclosed.arguments.end("endblock")
    if name in document.blocks:
        raise ExpressionError(f"the block `{name}` is there already", offset=tag.at)
    document.blocks.add(name)

    def run(scope: TemplateScope, out: RenderedText) -> None:
        scope.set["block"] = GoStruct("pongo2.tagBlockInformation", {"Super": ""})
        enclosed.body(scope, out)

    return run


NAMES: dict[str, ReadTag] = {
    "block": block_tag,
    "macro": macro_tag,
    "set": set_tag,
    "with": with_tag,
}
