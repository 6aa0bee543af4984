"""Values in braces, in texts that take none.

A text that floe would pass on with its braces is a mistake, unless the braces are those of a
different tool: `docker ps --format '{{.Names}}'`.
"""

import re
from typing import Final

from floe.dialects.nearest import nearest

_NAMED: Final = r"(?:values|task|merge|run|trigger|secrets)\s*[.\[]"
_VALUE: Final = re.compile(
    rf"\{{\{{\s*(?:{_NAMED}[^{{}}]{{0,60}}|['\"(\[0-9][^{{}}]{{0,60}}?\b{_NAMED}[^{{}}]{{0,60}})(?:\}}\}})?"
)
_AT_NODE: Final = re.compile(r"\{\{\s*(?:(?:item|index|host)\b[^{}]{0,60}|\s+ws\s*)\}\}")

_WORD: Final = re.compile(r"\{\{\s*([A-Za-z_-]{3,20})[.\[]")
_ROOTS: Final = ("values", "task", "merge", "run", "trigger", "secrets", "host", "item")
THEIRS: Final = {"inputs": "values", "params": "values", "steps": "task", "matrix": "item"}
"""Names of values in other systems, and what floe calls them."""


def value_in(text: str) -> re.Match[str] | None:
    """The first value of a run in a text, in braces."""
    return _VALUE.search(text)


def maybe_value_in(text: str) -> re.Match[str] | None:
    """The first braces in a text that floe would fill in elsewhere, and other tools know too."""
    return _AT_NODE.search(text)


def misspelt_in(text: str) -> tuple[re.Match[str], str] | None:
    """The first braces in a text that nearly name a value of floe, and the name that is meant."""
    for found in _WORD.finditer(text):
        word = found[1]
        if word not in _ROOTS and (meant := THEIRS.get(word) or nearest(word, _ROOTS)):
            return found, meant
    return None
