"""Matches names of branches, tags and files against lists of patterns that people write.

`*` and `?` stop at `/`, `**` does not, `[…]` is one of some characters, and a pattern after `!`
takes out what an earlier one took in.

Source: GitHub docs, "Workflow syntax", filter patterns, without `+`.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from floe.expr.patterns import fault_of, is_match

PATTERNS_MAX: Final = 100
"""Patterns in one list."""

_PART: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[[^]/]+\]|\\.|.", re.DOTALL)
_MEANING: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def glob_fault(glob: str) -> str:
    """What is wrong with a pattern; empty if nothing is."""
    if not glob.removeprefix("!"):
        return "it is empty"
    return fault_of(_pattern(glob.removeprefix("!")))


def takes(globs: Sequence[str], name: str) -> bool:
    """Whether a list of patterns takes a name; of the patterns that match it the last decides.

    A list that only takes out takes everything else.
    """
    taken = all(glob.startswith("!") for glob in globs)
    for glob in globs:
        if is_match(_pattern(glob.removeprefix("!")), name):
            taken = not glob.startswith("!")
    return taken


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> str:
    """The pattern as a regular expression of RE2, in which `.` takes line ends too."""
    return "(?s)" + "".join(_meaning(part) for part in _PART.findall(glob))


def _meaning(part: str) -> str:
    if part in _MEANING:
        return _MEANING[part]
    if part[0] == "[" and len(part) > 1:
        inside = part[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return "[" + ("^" + inside[1:] if inside[0] == "!" else inside) + "]"
    return re.escape(part[-1])
