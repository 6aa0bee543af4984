"""Tags that change or make text: `autoescape`, `comment`, `filter`, `spaceless` and others."""

import math
from typing import Final

from floe.expr.patterns import Search
from floe.expr.pongo2.compiler import compiled, filter_of
from floe.expr.pongo2.document import ReadTag, TemplateDocument, in_a_row, written
from floe.expr.pongo2.moments import Moment, formatted
from floe.expr.pongo2.operators import computed
from floe.expr.pongo2.parser import TokenReader
from floe.expr.pongo2.scope import Node, RenderedText, TemplateScope
from floe.expr.pongo2.tokens import PongoToken
from floe.expr.pongo2.values import Value, float_of, text_of, truncated

SIGNS: Final = {
    "openblock": "{%",
    "closeblock": "%}",
    "openvariable": "{{",
    "closevariable": "}}",
    "openbrace": "{",
    "closebrace": "}",
    "opencomment": "{#",
    "closecomment": "#}",
}
_BETWEEN_TAGS: Final = r"(?U:(<.*>))([\t\n\v\f\r ]+)(?U:(<.*>))"
_FAKE_NOW: Final = Moment(1_391_625_105)
"""5 February 2014, 18:31:45."""


def autoescape_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% autoescape on %}…{% endautoescape %}`."""
    body = document.until(tag, "endautoescape").body
    mode = arguments.need("name", "on", "off", what="`autoescape` needs `on` or `off`").text
    arguments.end("autoescape")

    def run(scope: TemplateScope, out: RenderedText) -> None:
        before, scope.escapes = scope.escapes, mode == "on"
        body(scope, out)
        scope.escapes = before

    return run


def comment_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% comment %}…{% endcomment %}`."""
    document.skip(tag, "endcomment")
    arguments.end("comment")
    return in_a_row([])


def filter_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% filter upper|cut:'A' %}…{% endfilter %}`."""
    body = document.until(tag, "endfilter").body
    calls = []
    while not arguments.is_done:
        calls.append(filter_of(arguments.filter_call()))
        if not arguments.match("sign", "|"):
            break
    arguments.end("filter")

    def run(scope: TemplateScope, out: RenderedText) -> None:
        made = RenderedText()
        body(scope, made)
        value: Value = made.text()
        for call in calls:
            value = call(value, scope)
        out.write(text_of(value))

    return run


def spaceless_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% spaceless %}…{% endspaceless %}`: no blanks between tags of HTML."""
    body = document.until(tag, "endspaceless").body
    arguments.end("spaceless")

    def run(scope: TemplateScope, out: RenderedText) -> None:
        made, before = RenderedText(), None
        body(scope, made)
        text, search = made.text(), Search.of(_BETWEEN_TAGS, scope.rendering.fuel)
        assert search is not None
        while text != before:
            scope.rendering.fuel.make(len(text))
            before = text
            text = search.replaced(text, lambda of: of[1] + of[3], scope.rendering.fuel)
        out.write(text)

    return run


def templatetag_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% templatetag openvariable %}`: two signs that would begin or end a tag."""
    what = f"`templatetag` needs one of {', '.join(SIGNS)}"
    text = SIGNS[arguments.need("name", *SIGNS, what=what).text]
    arguments.end("templatetag")
    return written(text)


def widthratio_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% widthratio value end width %}`: a part of a width, one more if it has no fraction."""
    value, end, width = [compiled(arguments.expression()) for _ in range(3)]
    name = ""
    if arguments.match("keyword", "as"):
        name = arguments.need("name", what="a name should follow `as`").text
    arguments.end("widthratio")

    def run(scope: TemplateScope, out: RenderedText) -> None:
        part = computed("/", float_of(value(scope)), float_of(end(scope)))
        found = part * float_of(width(scope)) + 0.5
        whole = math.ceil(found) if math.isfinite(found) else truncated(math.nan)
        whole = truncated(float(whole))
        if name:
            scope.set[name] = whole
        else:
            out.write(str(whole))

    return run


def now_tag(document: TemplateDocument, tag: PongoToken, arguments: TokenReader) -> Node:
    """`{% now '2006-01-02' %}`: the time in a layout of Go; with `fake` always the same one."""
    layout = arguments.need("text", what="`now` needs a layout").text
    is_fake = arguments.match("name", "fake") is not None
    arguments.end("now")

    def run(scope: TemplateScope, out: RenderedText) -> None:
        scope.rendering.fuel.make(4 * len(layout))
        moment = _FAKE_NOW if is_fake else scope.rendering.surroundings.now()
        out.write(formatted(moment, layout))

    return run


TEXTS: dict[str, ReadTag] = {
    "autoescape": autoescape_tag,
    "comment": comment_tag,
    "filter": filter_tag,
    "now": now_tag,
    "spaceless": spaceless_tag,
    "templatetag": templatetag_tag,
    "widthratio": widthratio_tag,
}
