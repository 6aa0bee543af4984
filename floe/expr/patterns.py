"""Matches regular expressions from people in time that is linear in the text.

Python's own `re` can backtrack for years: for example `(a+)+` on a name of 60 letters.

Source: the syntax is RE2's, https://github.com/google/re2/wiki/Syntax.
"""

from functools import lru_cache
from typing import Any, Final

SIZE_MAX: Final = 1024
"""Longest pattern in characters."""


def fault_of(pattern: str) -> str:
    """What is wrong with a pattern; empty if nothing is."""
    import re2  # type: ignore[import-untyped]  # has no stubs; most hosts have no pattern

    if len(pattern) > SIZE_MAX:
        return f"it has {len(pattern)} characters; at most {SIZE_MAX} are allowed"
    try:
        _compiled(pattern)
    except (re2.error, ValueError) as error:  # ValueError: a lone surrogate
        what = error.args[0] if error.args else error
        return what.decode(errors="replace") if isinstance(what, bytes) else str(what)
    return ""


def is_match(pattern: str, text: str) -> bool:
    """Whether a valid pattern matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
