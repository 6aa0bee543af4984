"""A session or personal token, and what depends on it."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple, Self

from floe.model.ids import Instant
from floe.model.nouns import dataclass

Kind = Literal["session", "token"]

ID_LEN: Final = 16
"""Hex digits that identify a token: enough to distinguish all, too few to be its hash."""

COOKIE: Final = "floe-sesh"
"""The name of the cookie with a session's token."""

USER: Final = "admin"
"""The only user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The data of a session or personal token."""

    user: str = USER
    name: str = ""
    """The name of a personal token; a session made with one has it too."""
    maker: str = ""
    """The key of the personal token it was made with, directly or in a session; empty for the
    administrator's own. It is revoked with that token."""
    opener: str = ""
    """Of a session that was opened with a session: the key of that one. It ends with it."""
    era: str = ""
    """A mark of the administrator's token it was made under; empty in entries of an older release.
    """
    made_at: Instant
    expires_at: Instant | None = None
    """None: never."""
    once: str = ""
    """The idempotency key it was made with.

    Its text is stored nowhere, so a repeated request cannot get it again: it gets a new one, and
    this one ends.
    """

    @property
    def by(self) -> str:
        """Its owner's name in the events of runs."""
        return f"{self.user}:{self.name}" if self.name else self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChange:
    """An entry that was made or has ended, as hosts send it to one another."""

    kind: Kind
    key: str
    token: Token | None
    """None: it has ended."""
    until: Instant | None
    """When it expires, or would have; None: never."""

    @classmethod
    def of_session(cls, key: str, session: Token | None, until: Instant | None) -> Self:
        """The change of a session that was made, or has ended (None)."""
        return cls(kind="session", key=key, token=session, until=until)


class ShownToken(NamedTuple):
    """A session or personal token that a client has shown."""

    kind: Kind
    key: str
    """The key under which it is stored."""
    token: Token

    @property
    def maker(self) -> str:
        """The token on which anything made with it depends: the nearest personal token."""
        return self.key if self.kind == "token" else self.token.maker


def with_made(makers: Collection[str], made: Mapping[str, str]) -> list[str]:
    """The keys of some tokens, and of all that were made with them, directly or indirectly.

    `made` maps what was made to its maker.
    """
    by_maker: dict[str, list[str]] = {}
    for key, maker in made.items():
        by_maker.setdefault(maker, []).append(key)
    found = [*makers]
    for key in found:  # grows during the loop
        found += by_maker.get(key, ())
    return found
