"""Sessions and personal tokens. Their texts are told once; only keyed hashes are kept."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, get_args

from floe.hub.hub import Hub
from floe.model.codec import decode, encode
from floe.model.refs import Instant, Json
from floe.model.secret import Secret

Kind = Literal["session", "token"]

ID_LEN: Final = 16
"""Hex digits by which a token is named: enough to tell all apart, too few to be its hash."""

USER: Final = "admin"
"""The one user there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a session or personal token."""

    user: str = USER
    name: str = ""
    """Of a personal token; a session made with one has it, too."""
    made_at: Instant
    expires_at: Instant | None = None
    """None: never."""
    once: str = ""
    """The idempotency key it was made with. Its text is kept nowhere, so who asks again with the
    same key cannot be told it again: they get a new one, and this one ends."""

    @property
    def by(self) -> str:
        """Who acts with it, as runs record it."""
        return f"{self.user}:{self.name}" if self.name else self.user


class Tokens:
    """Who may come in. Kept in the hub's ledger; the server is its only writer."""

    def __init__(self, hub: Hub, admin: Secret) -> None:
        self._hub = hub
        self._key = sha256(admin.reveal().encode()).digest()
        self._rows: dict[Kind, dict[str, Token]] = {}

    async def open(self) -> None:
        """Read what an earlier process made, and drop what has expired."""
        for kind in get_args(Kind):
            rows = await self._hub.recall(kind)
            self._rows[kind] = {
                key: decode(Token, row) for key, row in rows.items() if isinstance(row, Mapping)
            }
        await self._sweep()

    def is_admin(self, text: str) -> bool:
        """Whether this is the administrator's token; takes the same time for each wrong one."""
        return hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._key)

    def find(self, text: str, *kinds: Kind) -> Token | None:
        """What a text opens, if anything."""
        key, now = self._hash(text), self._hub.clock.now()
        for kind in kinds:
            token = self._rows[kind].get(key)
            if token and (token.expires_at is None or token.expires_at > now):
                return token
        return None

    async def make_session(self, name: str, session_s: int, once: str = "") -> str:
        """A new session, in place of one with the same key.

        `name` is of the personal token that opened it, or empty.
        """
        await self._sweep()
        now = self._hub.clock.now()
        expires_at = Instant(now + session_s * 1000)
        token = Token(name=name, made_at=now, expires_at=expires_at, once=once)
        return await self._make("session", token)

    async def make_personal(self, name: str, once: str = "") -> str:
        """A new personal token, good until the administrator's token changes.

        It takes the place of one with the same key.
        """
        return await self._make("token", Token(name=name, made_at=self._hub.clock.now(), once=once))

    def personal(self) -> list[tuple[str, Token]]:
        """Personal tokens, the oldest first, each with a name for it that opens nothing."""
        rows = self._rows["token"].items()
        return sorted(((key[:ID_LEN], t) for key, t in rows), key=lambda row: row[1].made_at)

    async def revoke(self, id: str) -> bool:
        """Forget a personal token and the sessions it opened; whether there was one."""
        rows = self._rows["token"]
        token = next((key for key in rows if key[:ID_LEN] == id), None)
        if token is None:
            return False
        name = rows[token].name
        sessions = [key for key, s in self._rows["session"].items() if s.name == name]
        await self._forget("token", token)
        for key in sessions:
            await self._forget("session", key)
        return True

    async def _forget(self, kind: Kind, key: str) -> None:
        self._rows[kind].pop(key, None)
        await self._hub.remember(kind, key, None)

    async def end_session(self, text: str) -> None:
        """Forget a session. Unknown ones are none."""
        key = self._hash(text)
        if self._rows["session"].pop(key, None):
            await self._hub.remember("session", key, None)

    async def _make(self, kind: Kind, token: Token) -> str:
        text = "floe_" + secrets.token_urlsafe(32)
        key = self._hash(text)
        shape: Mapping[str, Json] = encode(token)
        await self._hub.remember(kind, key, shape)
        rows = self._rows[kind]
        before = [k for k, made in rows.items() if token.once and made.once == token.once]
        rows[key] = token
        for replaced in before:
            await self._forget(kind, replaced)
        return text

    async def _sweep(self) -> None:
        now = self._hub.clock.now()
        rows = self._rows["session"]
        for key in [k for k, t in rows.items() if t.expires_at and t.expires_at <= now]:
            del rows[key]
            await self._hub.remember("session", key, None)

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), sha256).hexdigest()
