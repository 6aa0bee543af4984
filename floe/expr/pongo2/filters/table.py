"""The filters by their names."""

from collections.abc import Callable, Mapping
from typing import Final

from floe.expr.pongo2.filters import flyte, html, lists, texts
from floe.expr.pongo2.scope import Rendering
from floe.expr.pongo2.values import Value

TemplateFilter = Callable[[Value, Value, Rendering], Value]
"""Of a value and an argument, which is empty if none is given. It pays for what it makes."""

FILTERS: Final[Mapping[str, TemplateFilter]] = {
    "add": texts.add,
    "addslashes": texts.addslashes,
    "capfirst": texts.capfirst,
    "center": texts.center,
    "cut": texts.cut,
    "date": texts.date,
    "default": lists.default,
    "default_if_none": lists.default_if_none,
    "divisibleby": lists.divisibleby,
    "escape": html.escape,
    "escapejs": html.escapejs,
    "extractMatch": flyte.extract_match,
    "first": lists.first,
    "float": lists.floating,
    "floatformat": lists.floatformat,
    "get_digit": texts.get_digit,
    "index": flyte.index,
    "integer": lists.integer,
    "iriencode": texts.iriencode,
    "join": lists.join,
    "key": flyte.key,
    "kvp": flyte.kvp,
    "last": lists.last,
    "length": lists.length,
    "length_is": lists.length_is,
    "linebreaks": html.linebreaks,
    "linebreaksbr": html.linebreaksbr,
    "linenumbers": html.linenumbers,
    "ljust": texts.ljust,
    "lower": texts.lower,
    "make_list": lists.make_list,
    "match": flyte.match,
    "matchesCron": flyte.matches_cron,
    "phone2numeric": texts.phone2numeric,
    "pluralize": lists.pluralize,
    "random": lists.random,
    "removedupwhitespaces": texts.removedupwhitespaces,
    "removetags": html.removetags,
    "rjust": texts.rjust,
    "safe": html.safe,
    "safecopypaste": texts.safecopypaste,
    "slice": texts.slice_of,
    "split": lists.split,
    "stringformat": texts.stringformat,
    "striptags": html.striptags,
    "time": texts.date,
    "title": texts.title,
    "truncatechars": texts.truncatechars,
    "truncatechars_html": html.truncatechars_html,
    "truncatewords": texts.truncatewords,
    "truncatewords_html": html.truncatewords_html,
    "upper": texts.upper,
    "urlencode": texts.urlencode,
    "urlize": html.urlize,
    "urlizetrunc": html.urlizetrunc,
    "wordcount": texts.wordcount,
    "wordwrap": texts.wordwrap,
    "yesno": lists.yesno,
}
