"""Reads and fills templates: texts with `{{ values.branch }}` in them.

An expression is a plain path: names and `['name']` or `[0]`. `{{ … }}` that begins with none of
floe's names stays text, as in `docker ps --format '{{.Names}}'`; `{{ '{{' }}` writes two braces.

Source: docs/flows.md, "Templates".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from floe.model.codec import to_text
from floe.model.refs import Json
from floe.model.template import Path, Template, TemplatePart

NAMES: Final = ("values", "task", "merge", "run", "trigger")
"""The first names of paths."""

CHARS_MAX: Final = 4096
"""Of a template."""

PATH_MAX: Final = 64
"""Names in one path."""

UNKNOWN: Final = "…"
"""Stands for a value that is not known yet."""

_OPEN: Final = re.compile(r"\{\{\s*")
_CLOSE: Final = re.compile(r"\s*\}\}")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_QUOTED: Final = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_STEP: Final = re.compile(
    r"\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|\[\s*(?:'(?P<one>[^'\n]*)'|\"(?P<two>[^\"\n]*)\"|(?P<index>[0-9]{1,9}))\s*\]"
)
_NOT_YET: Final = re.compile(r"[0-9(\[]")


class TemplateInvalid(Exception):
    """A template that cannot be read, with the offset of the mistake in its text."""

    def __init__(self, offset: int, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.offset, self.what, self.hint = offset, what, hint


class Written(NamedTuple):
    """A part of a template, and its offset in the text."""

    offset: int
    part: TemplatePart


class Unknown(Exception):
    """A path leads to no value, at least not yet."""


def read(text: str) -> tuple[Written, ...]:
    """The parts of a text in order; texts that touch are one part. Raises TemplateInvalid."""
    if len(text) > CHARS_MAX:
        raise TemplateInvalid(0, f"a template has at most {CHARS_MAX} characters")
    plain, at, begun, found = "", 0, 0, list[Written]()
    while brace := _OPEN.search(text, at):
        plain += text[at : brace.start()]
        inside = brace.end()
        if (word := _WORD.match(text, inside)) and word[0] in NAMES:
            path, end = _path(text, word)
            if plain:
                found.append(Written(begun, TemplatePart(text=plain)))
            found.append(Written(inside, TemplatePart(path=path)))
            plain, begun = "", end
        elif quote := _QUOTED.match(text, inside):
            end = _closed(text, quote.end(), inside)
            plain += quote[1] or quote[2] or ""
        elif _NOT_YET.match(text, inside):
            raise TemplateInvalid(inside, "only paths can be written here", _EXAMPLE)
        else:
            plain, end = plain + brace[0], inside
        at = end
    plain += text[at:]
    if plain:
        found.append(Written(begun, TemplatePart(text=plain)))
    return tuple(found)


def template_of(parts: tuple[Written, ...]) -> Template:
    """The template that these parts make."""
    return Template(parts=tuple(written.part for written in parts))


def other_words(text: str) -> Iterator[tuple[int, str]]:
    """The first words of `{{ … }}` that are none of floe's names, with their offsets."""
    for brace in _OPEN.finditer(text):
        word = _WORD.match(text, brace.end())
        if word and word[0] not in NAMES:
            yield word.start(), word[0]


def filled(template: Template, value: Callable[[Path], Json], unknown: str = UNKNOWN) -> str:
    """The text of a template. `value` raises Unknown for a path without a value."""
    texts = []
    for part in template.parts:
        try:
            texts.append(as_text(value(part.path)) if part.path else part.text)
        except Unknown:
            texts.append(unknown)
    return "".join(texts)


def value_at(value: Json, path: Path) -> Json:
    """The value that the rest of a path leads to. Raises Unknown."""
    for step in path:
        match value, step:
            case Mapping(), str() if step in value:
                value = value[step]
            case list() | tuple(), int() if step < len(value):
                value = value[step]
            case _:
                raise Unknown
    return value


def as_text(value: Json) -> str:
    """A value in a text: compact JSON, but a text as it is. Raises Unknown for null."""
    if value is None:
        raise Unknown
    return value if isinstance(value, str) else to_text(value)


def shown(path: Path) -> str:
    """A path as people write it."""
    first, *rest = path
    return str(first) + "".join(
        f".{step}" if isinstance(step, str) and _WORD.fullmatch(step) else f"[{step!r}]"
        for step in rest
    )


_EXAMPLE: Final = "{{ values.branch }}"


def _path(text: str, word: "re.Match[str]") -> tuple[Path, int]:
    path: list[str | int] = [word[0]]
    at = word.end()
    while step := _STEP.match(text, at):
        index, name = step["index"], step["name"]
        path.append(int(index) if index else name or step["one"] or step["two"] or "")
        at = step.end()
    if len(path) > PATH_MAX:
        raise TemplateInvalid(word.start(), f"a path has at most {PATH_MAX} names")
    return tuple(path), _closed(text, at, word.start())


def _closed(text: str, at: int, begun: int) -> int:
    """The offset after `}}`. Raises TemplateInvalid."""
    if close := _CLOSE.match(text, at):
        return close.end()
    rest = text[at:].lstrip()
    if "}}" not in rest:
        raise TemplateInvalid(begun, "`{{` is never closed by `}}`", _EXAMPLE)
    what = f"only a path can be written here, but it goes on with `{rest[:20].split('}}')[0]}`"
    raise TemplateInvalid(at + len(text[at:]) - len(rest), what, _EXAMPLE)
