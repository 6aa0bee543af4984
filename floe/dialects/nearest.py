"""The name that was probably meant."""

from collections.abc import Sequence
from typing import Final

CLOSEST_CHARS_MAX: Final = 100
CLOSEST_NAMES_MAX: Final = 500


def closest(text: str, names: Sequence[str]) -> str:
    """A "did you mean" hint with the nearest name; empty if none is near."""
    found = nearest(text, names)
    return f"did you mean `{found}`?" if found else ""


def nearest(text: str, names: Sequence[str]) -> str:
    """The name most similar to the text; empty if none is, or if there are too many names."""
    from difflib import get_close_matches  # needed for errors only

    if len(text) > CLOSEST_CHARS_MAX or len(names) > CLOSEST_NAMES_MAX:
        return ""
    plain = text.strip().lower().replace("_", "-")
    return next(iter(get_close_matches(plain, names, n=1)), "")
