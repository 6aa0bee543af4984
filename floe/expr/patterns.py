"""Matches regular expressions from people in time that is linear in the text.

Python's own `re` can backtrack for years: for example `(a+)+` on a name of 60 letters.

Source: the syntax is RE2's, https://github.com/google/re2/wiki/Syntax.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from floe.expr.errors import TooMuch
from floe.expr.fuel import Fuel
from floe.model.ids import Json

SIZE_MAX: Final = 1024
"""Longest pattern in characters."""


BYTES_MAX: Final = 8 << 20
"""Memory of a pattern."""

EXPRESSION_SIZE_MAX: Final = 256
"""Longest pattern of an expression in characters."""

EXPRESSION_BYTES_MAX: Final = 64 << 10
"""Memory of a pattern of an expression, so that it is read in about 1 ms."""


SEARCH_BYTES_MAX: Final = 256 << 10
"""Memory of a pattern that a template looks for."""

COMPILED: Final = 4
"""Steps of such a pattern that one unit of fuel pays for once, when it is read."""

SEARCHED: Final = 256
"""Steps of such a pattern that one unit of fuel pays for."""

FIELD_CHARS_MAX: Final = 4096
"""Longest text of a form that is held against a pattern."""


def fault_of(pattern: str, size_max: int = SIZE_MAX, bytes_max: int = BYTES_MAX) -> str:
    """What is wrong with a pattern; empty if nothing is."""
    import re2  # type: ignore[import-untyped]  # has no stubs; most hosts have no pattern

    if len(pattern) > size_max:
        return f"it has {len(pattern)} characters; at most {size_max} are allowed"
    try:
        _compiled(pattern, bytes_max)
    except (re2.error, ValueError) as error:  # ValueError: a lone surrogate
        what = error.args[0] if error.args else error
        return what.decode(errors="replace") if isinstance(what, bytes) else str(what)
    return ""


def is_match(pattern: str, text: str) -> bool:
    """Whether a valid pattern matches the whole text."""
    return _compiled(pattern, BYTES_MAX).fullmatch(text) is not None


def named_group(pattern: str, name: str, text: str) -> str:
    """The named group of the first match of a valid pattern in a text; empty for none."""
    found = _compiled(pattern, BYTES_MAX).search(_encodable(text))
    return (found.group(name) or "") if found else ""


class SmallPattern:
    """A valid pattern of an expression."""

    __slots__ = ("_compiled", "size")

    def __init__(self, pattern: str) -> None:
        self._compiled = _compiled(pattern, EXPRESSION_BYTES_MAX)
        self.size: int = self._compiled.programsize
        """Its steps: a character takes at most as many."""

    def is_match(self, text: str) -> bool:
        """Whether it matches the whole text."""
        return self._compiled.fullmatch(text) is not None


class Search:
    """A pattern that is looked for in a text."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    @classmethod
    def of(cls, pattern: str, fuel: Fuel) -> "Search | None":
        """A pattern of a template; None if it is no RE2. Raises TooMuch if it is too large."""
        import re2

        if len(pattern) > SIZE_MAX:
            raise TooMuch(f"a pattern has at most {SIZE_MAX} characters")
        fuel.spend(len(pattern))
        try:
            compiled = _compiled(pattern, SEARCH_BYTES_MAX)
        except ValueError:  # a lone surrogate
            return None
        except re2.error as error:
            if b"too large" in str(error).encode(errors="replace"):
                raise TooMuch("a pattern takes too much memory") from None
            return None
        fuel.spend(compiled.programsize // COMPILED)
        return cls(compiled)

    def is_found(self, text: str, fuel: Fuel) -> bool:
        """Whether it matches a part of a text. Raises TooMuch."""
        return self._search(text, fuel) is not None

    def first_group(self, text: str, fuel: Fuel) -> str | None:
        """The first group of the first match; None if there is no match, or no group."""
        found = self._search(text, fuel)
        if found is None or not self._compiled.groups:
            return None
        group: str | None = found.group(1)
        return group or ""

    def replaced(self, text: str, make: Callable[[Sequence[str]], str], fuel: Fuel) -> str:
        """A text with what is made of the groups of each match; the first is the whole match."""
        self._pay(text, fuel)
        made, at = list[str](), 0
        for found in self._compiled.finditer(_encodable(text)):
            fuel.spend(1)
            part = make((found.group(), *(group or "" for group in found.groups())))
            fuel.make(len(part))
            made += (text[at : found.start()], part)
            at = found.end()
        return "".join([*made, text[at:]])

    def _search(self, text: str, fuel: Fuel) -> Any:
        self._pay(text, fuel)
        return self._compiled.search(_encodable(text))

    def _pay(self, text: str, fuel: Fuel) -> None:
        fuel.search(len(text))
        fuel.spend(len(text) * self._compiled.programsize // SEARCHED)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()


def unmatched(pattern: str, value: Json) -> str:
    """Why a text, or a text of a list, does not fit a valid pattern; empty if all of it fits."""
    compiled = SmallPattern(pattern)
    for text in value if isinstance(value, list | tuple) else (value,):
        if not isinstance(text, str) or len(text) > FIELD_CHARS_MAX:
            return f"a text of at most {FIELD_CHARS_MAX} characters is expected"
        if not compiled.is_match(text):
            return f"does not match the pattern {pattern}"
    return ""


@lru_cache(maxsize=256)
def _compiled(pattern: str, bytes_max: int) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = bytes_max
    options.log_errors = False
    return re2.compile(pattern, options)
