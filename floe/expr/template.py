"""Reads and fills templates: texts with `{{ values.branch }}` in them.

A plain path (names, `['name']` and `[0]`) is kept as a path; anything else that begins with one
of floe's names, a quote, a digit, `(` or `[` is an expression. All other `{{ … }}` stays text, as
in `docker ps --format '{{.Names}}'`; `{{ '{{' }}` writes two braces.

Source: docs/flows.md, "Templates".
"""

import re
from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from floe.expr.errors import ExpressionError, Missing
from floe.expr.fuel import Fuel
from floe.expr.paths import WORD, Unknown, shown
from floe.model.codec import to_text
from floe.model.ids import Json
from floe.model.template import Path, Template, TemplatePart

if TYPE_CHECKING:
    from floe.expr.flow.expression import Expression

NAMES: Final = ("values", "task", "merge", "run", "trigger")
"""The first names of paths."""

WORKSPACE: Final = "{{ws}}"
"""Written so, the workspace is not for templates: `expr.substitute` replaces it."""

CHARS_MAX: Final = 4096
"""Of a template."""

WORDS_MAX: Final = 500
"""Words and signs of all expressions of a template."""

PATH_MAX: Final = 64
"""Names in one path."""

UNKNOWN: Final = "…"
"""Stands for a value that is not known yet."""

_OPEN: Final = re.compile(r"\{\{\s*")
_CLOSE: Final = re.compile(r"\s*\}\}")
_QUOTED: Final = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_STEP: Final = re.compile(
    r"\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|\[\s*(?:'(?P<one>[^'\n]*)'|\"(?P<two>[^\"\n]*)\"|(?P<index>[0-9]{1,9}))\s*\]"
)
_BEGINS: Final = re.compile(r"[0-9(\['\"]")


class TemplateInvalid(Exception):
    """A template that cannot be read, with the offset of the mistake in its text."""

    def __init__(self, offset: int, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.offset, self.what, self.hint = offset, what, hint


class WrittenPart(NamedTuple):
    """A part of a template, and its offset in the text."""

    offset: int
    part: TemplatePart


def template_parts(text: str, names: Container[str] = NAMES) -> tuple[WrittenPart, ...]:
    """The parts of a template in order; texts that touch are one. Raises TemplateInvalid.

    `names`: the first names of paths and expressions; `{{ … }}` with any other word stays text.
    """
    if len(text) > CHARS_MAX:
        raise TemplateInvalid(0, f"a template has at most {CHARS_MAX} characters")
    plain, at, begun, words, found = "", 0, 0, 0, list[WrittenPart]()
    while brace := _OPEN.search(text, at):
        plain += text[at : brace.start()]
        inside = brace.end()
        if not _is_ours(text, inside, names):
            plain, at = plain + brace[0], inside
            continue
        part, at, count = _enclosed(text, inside)
        words += count
        if words > WORDS_MAX:
            what = f"the expressions of a template have at most {WORDS_MAX} words and signs"
            raise TemplateInvalid(inside, what)
        if not (part.path or part.code):
            plain += part.text
            continue
        if plain:
            found.append(WrittenPart(begun, TemplatePart(text=plain)))
        found.append(WrittenPart(inside, part))
        plain, begun = "", at
    plain += text[at:]
    if plain:
        found.append(WrittenPart(begun, TemplatePart(text=plain)))
    return tuple(found)


def template_of(parts: tuple[WrittenPart, ...]) -> Template:
    """The template that these parts make."""
    return Template(parts=tuple(written.part for written in parts))


def unknown_words(text: str, names: Container[str] = NAMES) -> Iterator[tuple[int, str]]:
    """The first words of `{{ … }}` in a template that are none of these names, with offsets."""
    for brace in _OPEN.finditer(text):
        word = WORD.match(text, brace.end())
        if word and word[0] not in names and not text.startswith(WORKSPACE, brace.start()):
            yield word.start(), word[0]


def filled(template: Template, value: Callable[[Path], Json], unknown: str = UNKNOWN) -> str:
    """The text of a template. `value` raises Unknown for a path without a value.

    An expression that fails is written as its error; they share the fuel of one.
    """
    texts, fuel = [], Fuel()
    for part in template.parts:
        try:
            if part.code:
                texts.append(_evaluated(part.code, value, fuel))
            else:
                texts.append(as_text(value(part.path)) if part.path else part.text)
        except Unknown:
            texts.append(unknown)
    return "".join(texts)


def paths_of(template: Template) -> Iterator[Path]:
    """The paths of a template, and those in its expressions."""
    for part in template.parts:
        if part.code:
            try:
                yield from expression_of(part).paths
            except ExpressionError:
                continue  # of a newer floe: it is an error wherever it is filled in
        elif part.path:
            yield part.path


def as_written(template: Template) -> str:
    """The text of a template with its paths and expressions, as people write them."""
    return "".join(map(part_as_written, template.parts))


def part_as_written(part: TemplatePart) -> str:
    """A piece of a template as people write it."""
    return f"{{{{ {part.code or shown(part.path)} }}}}" if part.is_value else part.text


def expression_of(part: TemplatePart) -> "Expression":
    """The expression of a template's part that has one. Raises ExpressionError."""
    from floe.expr.flow.expression import expression  # most flows have none

    return expression(part.code)


def as_text(value: Json) -> str:
    """A value in the text of a template: compact JSON, but a text as it is."""
    if value is None:
        raise Unknown
    return value if isinstance(value, str) else to_text(value)


def _is_ours(text: str, at: int, names: Container[str]) -> bool:
    """Whether what follows two braces is for floe."""
    if text.startswith(WORKSPACE, at - 2):
        return False
    word = WORD.match(text, at)
    return word[0] in names if word else _BEGINS.match(text, at) is not None


def _enclosed(text: str, at: int) -> tuple[TemplatePart, int, int]:
    """The part behind two braces, the offset behind it, and the words and signs of an expression.

    Raises TemplateInvalid.
    """
    if (word := WORD.match(text, at)) and (path := _path(text, word)):
        return *path, 0
    quote = _QUOTED.match(text, at)
    if quote and "\\" not in quote[0] and (close := _CLOSE.match(text, quote.end())):
        return TemplatePart(text=quote[1] or quote[2] or ""), close.end(), 0
    from floe.expr.flow.expression import enclosed  # most flows have none

    try:
        code, end, words = enclosed(text, at)
        part = TemplatePart(code=code)
        expression_of(part)
    except ExpressionError as fault:
        raise TemplateInvalid(at + (fault.offset or 0), fault.what, fault.hint) from None
    return part, end, words


def _path(text: str, word: "re.Match[str]") -> tuple[TemplatePart, int] | None:
    """A plain path and the offset behind its `}}`; None if it is more than a path."""
    path: list[str | int] = [word[0]]
    at = word.end()
    while step := _STEP.match(text, at):
        index, name = step["index"], step["name"]
        path.append(int(index) if index else name or step["one"] or step["two"] or "")
        at = step.end()
    if len(path) > PATH_MAX:
        raise TemplateInvalid(word.start(), f"a path has at most {PATH_MAX} names")
    close = _CLOSE.match(text, at)
    return (TemplatePart(path=tuple(path)), close.end()) if close else None


def _evaluated(code: str, value: Callable[[Path], Json], fuel: Fuel) -> str:
    """The text that an expression comes to, or its error. Raises Unknown."""
    try:
        return as_text(expression_of(TemplatePart(code=code)).evaluate(value, fuel))
    except Missing:
        raise Unknown from None
    except ExpressionError as fault:
        return f"(error: {fault.what})"
