"""Tags that choose and repeat: `if`, `ifequal`, `ifchanged`, `firstof`, `for`, `cycle`."""

from collections.abc import Iterator
from typing import Final, cast

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.compiler import compiled
from floe.expr.pongo2.document import ReadTag, TemplateDocument
from floe.expr.pongo2.filters.html import escaped
from floe.expr.pongo2.go_text import from_octets, octets
from floe.expr.pongo2.parser import TokenReader
from floe.expr.pongo2.scope import Evaluate, Node, RenderedText, TemplateScope
from floe.expr.pongo2.tokens import PongoToken
from floe.expr.pongo2.tree import has_filter
from floe.expr.pongo2.values import (
    Cycled,
    GoStruct,
    SplitTexts,
    Value,
    is_true,
    length_of,
    same,
    text_of,
)


def if_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% if a %}…{% elif b %}…{% else %}…{% endif %}`."""
    conditions = [compiled(arguments.expression())]
    arguments.end("if")
    bodies: list[Node] = []
    end = ""
    while end != "endif":
        body, end, arguments = document.until(tag, "elif", "else", "endif")
        bodies.append(body)
        if end == "elif":
            conditions.append(compiled(arguments.expression()))
        arguments.end(end)

    def run(scope: TemplateScope, out: RenderedText) -> None:
        for at, condition in enumerate(conditions):
            if is_true(condition(scope)):
                bodies[at](scope, out)
                return
        if len(bodies) > len(conditions):
            bodies[len(conditions)](scope, out)

    return run


def _then_or_else(document: TemplateDocument, tag: PongoToken) -> tuple[Node, Node | None]:
    then = document.until(tag, "else", f"end{tag.text}")
    then.arguments.end(then.end)
    if then.end != "else":
        return then.body, None
    return then.body, document.closed(tag, f"end{tag.text}")


def ifequal_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% ifequal a b %}…{% else %}…{% endifequal %}`, and `ifnotequal`."""
    one, other = compiled(arguments.expression()), compiled(arguments.expression())
    arguments.end(tag.text)
    then, otherwise = _then_or_else(document, tag)
    needs = tag.text == "ifequal"

    def run(scope: TemplateScope, out: RenderedText) -> None:
        try:
            is_met = same(one(scope), other(scope)) == needs
        except ExpressionError as fault:
            fault.place(tag.at)
            raise
        if is_met:
            then(scope, out)
        elif otherwise is not None:
            otherwise(scope, out)

    return run


def _expressions(arguments: TokenReader) -> list[Evaluate]:
    found: list[Evaluate] = []
    while not arguments.is_done:
        found.append(compiled(arguments.expression()))
    return found


def ifchanged_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% ifchanged a b %}…{% else %}…{% endifchanged %}`; without arguments its text counts."""
    watched = _expressions(arguments)
    then, otherwise = _then_or_else(document, tag)
    number = document.number()

    def run(scope: TemplateScope, out: RenderedText) -> None:
        last = scope.states.get(number, [])
        if not watched:
            made = RenderedText()
            then(scope, made)
            scope.states[number] = [made.text()]
            if made.text() != (last[0] if last else ""):
                out.write(made.text())
            return
        values = [evaluate(scope) for evaluate in watched]
        is_changed = not last or not all(map(same, last, values))
        scope.states[number] = values
        if is_changed:
            then(scope, out)
        elif otherwise is None:
            what = "`ifchanged` needs `else` once its values repeat"
            raise ExpressionError(what, "{% else %}", tag.at)
        else:
            otherwise(scope, out)

    return run


def firstof_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% firstof a b 'c' %}`: the first value that is true."""
    parts: list[tuple[Evaluate, bool]] = []
    while not arguments.is_done:
        part = arguments.expression()
        parts.append((compiled(part), has_filter(part, "safe")))

    def run(scope: TemplateScope, out: RenderedText) -> None:
        for evaluate, is_safe in parts:
            value = evaluate(scope)
            if is_true(value):
                text = text_of(value)
                scope.rendering.fuel.make(6 * len(text))
                out.write(escaped(text) if scope.escapes and not is_safe else text)
                return

    return run


def cycle_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% cycle 'a' 'b' %}`, and `{% cycle 'a' 'b' as name silent %}`, which `cycle name` moves."""
    parts, name, is_silent = list[Evaluate](), "", False
    while not arguments.is_done:
        parts.append(compiled(arguments.expression()))
        if arguments.match("keyword", "as"):
            name = arguments.need("name", what="a name should follow `as`").text
            is_silent = arguments.match("name", "silent") is not None
            break
    arguments.end("cycle")
    number = document.number()

    def following(scope: TemplateScope, of: int, among: list[Evaluate]) -> Value:
        if not among:
            raise ExpressionError("`cycle` needs a value", "{% cycle 'a' 'b' %}", tag.at)
        state = scope.states.setdefault(of, [0])
        at = cast("int", state[0])
        state[0] = at + 1
        return among[at % len(among)](scope)

    def run(scope: TemplateScope, out: RenderedText) -> None:
        value = following(scope, number, parts)
        if isinstance(value, Cycled):
            value.move(value, scope, out)
            return
        if name:
            scope.set[name] = Cycled(value, move)
        if not is_silent:
            out.write(text_of(value))

    def move(cycled: Cycled, scope: TemplateScope, out: RenderedText) -> None:
        cycled.value = following(scope, number, parts)
        if not is_silent:
            out.write(text_of(cycled.value))

    return run


def for_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% for x in list reversed sorted %}…{% empty %}…{% endfor %}`, and `for name, x in map`."""
    key = arguments.need("name", what="`for` needs a name").text
    second = ""
    if arguments.match("sign", ","):
        second = arguments.need("name", what="a second name should follow the comma").text
    arguments.need("keyword", "in", what="`for` needs `in`")
    of = compiled(arguments.expression())
    is_reversed = arguments.match("name", "reversed") is not None
    is_sorted = arguments.match("name", "sorted") is not None
    arguments.end("for")
    body, end, arguments = document.until(tag, "empty", "endfor")
    arguments.end(end)
    empty = document.closed(tag, "endfor") if end == "empty" else None

    def run(outer: TemplateScope, out: RenderedText) -> None:
        scope = outer.child()
        loop = _loop(scope.set.get("forloop"), tag.at)
        scope.set["forloop"] = loop
        value = of(scope)
        scope.rendering.fuel.spend(length_of(value))
        if is_sorted and isinstance(value, str):
            raise ExpressionError("`for … sorted` cannot sort a text", "|make_list", tag.at)
        count = 0
        for at, size, name, member in _items(value, is_reversed, is_sorted):
            count += 1
            scope.set[key] = name
            if isinstance(value, dict):
                scope.set[second] = member
            _count(loop, at, size)
            body(scope, out)
        if not count and empty is not None:
            empty(scope, out)

    return run


def _loop(parent: Value, at: int) -> GoStruct:
    if parent is not None and not (isinstance(parent, GoStruct) and parent.name == _LOOP):
        raise ExpressionError("`forloop` is the name of a loop, not of a value", offset=at)
    return GoStruct(
        _LOOP,
        {
            **dict.fromkeys(("Counter", "Counter0", "Revcounter", "Revcounter0"), 0),
            "First": True,
            "Last": False,
            "Parentloop": parent,
        },
    )


_LOOP: Final = "pongo2.tagForLoopInformation"


def _count(loop: GoStruct, at: int, size: int) -> None:
    """The numbers of a loop at an element, as pongo2 counts them."""
    members = loop.members
    members["Counter"], members["Counter0"] = at + 1, at
    members["Revcounter"], members["Revcounter0"] = size - at, size - at - 1
    if at == 1:
        members["First"] = False
    if at + 1 == size:
        members["Last"] = True


def _items(
    value: Value, is_reversed: bool, is_sorted: bool
) -> Iterator[tuple[int, int, Value, Value]]:
    """Number, size, element and, of a map, member, in order. A text gives its bytes."""
    if isinstance(value, dict):
        names = sorted(value, reverse=is_reversed and is_sorted)
        yield from ((at, len(names), name, value[name]) for at, name in enumerate(names))
    elif isinstance(value, str):
        data = octets(value)
        places = range(len(data))
        for at in reversed(places) if is_reversed else places:
            yield at, len(data), from_octets(data[at : at + 1]), None
    elif isinstance(value, list):
        items = list(value)
        if isinstance(value, SplitTexts) and is_sorted:
            items.sort(reverse=is_reversed)
        elif is_reversed and not is_sorted:  # pongo2 sorts a list of JSON by its type alone
            items.reverse()
        yield from ((at, len(items), item, None) for at, item in enumerate(items))


CHOICES: dict[str, ReadTag] = {
    "cycle": cycle_tag,
    "firstof": firstof_tag,
    "for": for_tag,
    "if": if_tag,
    "ifchanged": ifchanged_tag,
    "ifequal": ifequal_tag,
    "ifnotequal": ifequal_tag,
}
