"""Looks for regular expressions in bytes, by RE2: time is linear in the text, and paid for.

Source: the syntax is RE2's, https://github.com/google/re2/wiki/Syntax.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel

PATTERN_BYTES_MAX: Final = 1024
"""Longest pattern."""

PATTERN_MEMORY_MAX: Final = 256 << 10
"""Memory of a pattern, so that it is read in a few ms."""

PATTERN_FUEL: Final = 50
"""Of a pattern that is read."""

STEPS_PAID: Final = 1024
"""Steps of a pattern that one unit of fuel pays for."""


class PatternMatch:
    """A match: its place, and those of its groups."""

    __slots__ = ("_match", "end", "start")

    def __init__(self, match: Any) -> None:
        self._match = match
        self.start: int = match.start()
        self.end: int = match.end()

    def group(self, name: str) -> tuple[int, int]:
        """The place of a group by number or name; -1 if it found nothing or is none."""
        groups = self._match.re.groups
        if name.isdigit():
            number = int(name) if len(name) < 4 else groups + 1
            return self._match.span(number) if number <= groups else (-1, -1)
        known = self._match.re.groupindex.get(name.encode())
        return self._match.span(known) if known else (-1, -1)


class BytesPattern:
    """A pattern of a template."""

    __slots__ = ("_compiled",)

    def __init__(self, pattern: bytes, fuel: Fuel) -> None:
        """Raises ExpressionError if it is none, TooMuch if it is too large."""
        fuel.spend(PATTERN_FUEL)
        if len(pattern) > PATTERN_BYTES_MAX:
            raise TooMuch(f"a pattern has at most {PATTERN_BYTES_MAX} bytes")
        answer = _compiled(pattern)
        if isinstance(answer, _Fault):
            raise TooMuch(answer.what) if answer.is_too_large else ExpressionError(answer.what)
        self._compiled = answer

    def search(self, data: bytes, at: int, fuel: Fuel) -> PatternMatch | None:
        """The first match from a place on. Raises TooMuch."""
        fuel.spend(1 + (len(data) - at) * self._compiled.programsize // STEPS_PAID)
        match = self._compiled.search(data, at)
        return PatternMatch(match) if match else None


class _Fault(NamedTuple):
    what: str
    is_too_large: bool


@lru_cache(maxsize=256)
def _compiled(pattern: bytes) -> Any:
    """The pattern of RE2, or a _Fault; both are kept."""
    import re2  # type: ignore[import-untyped]  # has no stubs; most hosts have no pattern

    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_MAX
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        what = error.args[0] if error.args else b""
        text = what.decode(errors="replace") if isinstance(what, bytes) else str(what)
        return _Fault(f"error parsing regexp: {text.partition(':')[0]}", "too large" in text)
