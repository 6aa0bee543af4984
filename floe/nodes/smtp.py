"""The server that takes mail, as the config names it."""

from collections.abc import Mapping
from typing import Final, Literal

from floe.model.nouns import dataclass

PORTS: Final[Mapping[str, int]] = {"starttls": 587, "tls": 465, "none": 25}
"""The usual port of each encryption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """The server that takes mail."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    user: str = ""
    """Empty for no login."""
    password_file: str = ""
    sender: str
