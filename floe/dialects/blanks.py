"""Characters that look like a space but are not: a pattern that finds them, and their names."""

import re
import unicodedata
from typing import Final

ODD_BLANK: Final = re.compile(
    "[\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]"
)


def blank_finding(char: str) -> tuple[str, str]:
    """The error for such a character in YAML, and what to try."""
    return (
        f"{blank_name(char)} counts as a letter in YAML, not as a space",
        "write a space, or nothing",
    )


def blank_name(char: str) -> str:
    """`a no-break space (U+00A0)`."""
    name = unicodedata.name(char, "blank").lower()
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name} (U+{ord(char):04X})"
