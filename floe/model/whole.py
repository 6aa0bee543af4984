"""Whole numbers as texts: the one place where a text from outside becomes an integer."""

import re
from typing import Final

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")


def whole(text: str) -> int | None:
    """What a text of ASCII digits says, with a minus sign or without; None for any other text.

    At most 19 digits: more fit no store, and reading very many takes time.
    """
    return int(text) if _WHOLE.fullmatch(text) else None
