"""What must not be shown: it prints as `***` wherever it is printed."""

import re
from dataclasses import dataclass, field
from typing import Final

_CREDENTIALS: Final = re.compile(
    r"(\bhttps?://|\b[a-z][a-z0-9+.-]*://[^/?#@\s:]+:)[^/?#@\s]+@", re.IGNORECASE
)
"""Before the `@` of a web address all of it, since a token stands there alone; of others the part
after the colon: `ssh://git@host` says whom, not with what."""


def without_password(text: str) -> str:
    """A text as it may be printed: without the credentials of the URLs in it."""
    return _CREDENTIALS.sub(r"\1***@", text)


@dataclass(frozen=True, slots=True)
class Secret:
    """A token or password. `reveal` is the only way to its text; empty is false."""

    text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself, for the one place that sends or compares it."""
        return self.text

    def __bool__(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return "***" if self.text else "(none)"

    __str__ = __repr__
