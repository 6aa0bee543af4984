"""Sessions and personal tokens. Their texts are told once; only keyed hashes are kept."""

import asyncio
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Literal, NamedTuple, get_args

from floe.hub.hub import Hub
from floe.model.codec import decode, encode
from floe.model.errors import Denied
from floe.model.refs import Instant, Json
from floe.model.secret import Secret
from floe.server.waits import wait_set

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
    maker: str = ""
    """The key of the personal token it was made with, directly or in a session; empty for the
    administrator's own. It ends with that."""
    era: str = ""
    """Which administrator's token it was made under, by a mark of that; empty in rows of an older
    release."""
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


class Shown(NamedTuple):
    """A session or personal token that somebody has shown."""

    kind: Kind
    key: str
    """Under which it is kept."""
    token: Token

    @property
    def maker(self) -> str:
        """What a thing that is made with it ends with: the nearest personal token."""
        return self.key if self.kind == "token" else self.token.maker


class Tokens:
    """Who may come in. Kept in the hub's ledger; the server is its only writer."""

    def __init__(self, hub: Hub, admin: Secret) -> None:
        self._hub = hub
        self._key = sha256(admin.reveal().encode()).digest()
        self._era = self._hash("era")[:ID_LEN]
        self._rows: dict[Kind, dict[str, Token]] = {}
        self._ended = asyncio.Event()

    async def open(self) -> None:
        """Read what an earlier process made, and drop what opens nothing any more.

        That is what has expired, what was made with a token that has ended (a crash may have come
        in between), and what was made under another administrator's token, so that it opens
        nothing when that comes back.
        """
        for kind in get_args(Kind):
            rows = await self._hub.recall(kind)
            self._rows[kind] = {
                key: decode(Token, row) for key, row in rows.items() if isinstance(row, Mapping)
            }
            for key in [k for k, t in self._rows[kind].items() if t.era not in ("", self._era)]:
                await self._forget(kind, key)
        makers = {token.maker for rows in self._rows.values() for token in rows.values()}
        for maker in makers - {"", *self._rows["token"]}:
            await self._end(maker)
        await self._sweep()

    def is_admin(self, text: str) -> bool:
        """Whether this is the administrator's token; takes the same time for each wrong one."""
        return hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._key)

    def find(self, text: str, *kinds: Kind) -> "Shown | None":
        """What a text opens, if anything."""
        key = self._hash(text)
        for kind in kinds:
            if token := self._living(kind, key):
                return Shown(kind, key, token)
        return None

    def lives(self, shown: "Shown") -> bool:
        """Whether what opened something once still would."""
        return self._living(shown.kind, shown.key) is not None

    async def wait_ended(self, timeout_s: float) -> None:
        """Until any session or token has been ended, or for some seconds."""
        await wait_set(self._ended, timeout_s)

    async def make_session(
        self, name: str, session_s: int, once: str = "", *, maker: str = ""
    ) -> str:
        """A new session, in place of one with the same idempotency key.

        `name` and `maker` are of the personal token that opened it, or empty. Raises Denied where
        the maker has ended.
        """
        await self._sweep()
        now = self._hub.reads.now()
        expires_at = Instant(now + session_s * 1000)
        token = Token(name=name, made_at=now, expires_at=expires_at, once=once, maker=maker)
        return await self._make("session", token)

    async def make_personal(self, name: str, once: str = "", *, maker: str = "") -> str:
        """A new personal token, good until its maker ends or the administrator's token changes.

        It takes the place of one with the same idempotency key. Raises Denied where the maker has
        ended.
        """
        now = self._hub.reads.now()
        return await self._make("token", Token(name=name, made_at=now, once=once, maker=maker))

    def personal(self) -> list[tuple[str, Token]]:
        """Personal tokens, the oldest first, each with a name for it that opens nothing."""
        rows = self._rows["token"].items()
        return sorted(((key[:ID_LEN], t) for key, t in rows), key=lambda row: row[1].made_at)

    async def revoke(self, id: str) -> bool:
        """Forget a personal token with all that was made with it: sessions, tokens, and what was
        made with those; whether there was one."""
        token = next((key for key in self._rows["token"] if key[:ID_LEN] == id), None)
        if token is None:
            return False
        await self._end(token)
        return True

    async def _end(self, token: str) -> None:
        ending = [token]
        for maker in ending:  # grows
            ending += [k for k, t in self._rows["token"].items() if t.maker == maker]
        names = {t.name for key in ending if (t := self._rows["token"].get(key))}
        sessions = [k for k, s in self._rows["session"].items() if _is_of(s, ending, names)]
        rows: list[tuple[Kind, str]] = [("token", key) for key in ending]
        rows += [("session", key) for key in sessions]
        for kind, key in rows:  # nothing of it opens anything from here on
            self._rows[kind].pop(key, None)
        for kind, key in rows:
            await self._forget(kind, key)

    async def _forget(self, kind: Kind, key: str) -> None:
        self._rows[kind].pop(key, None)
        self._ended.set()
        self._ended = asyncio.Event()
        await self._hub.remember(kind, key, None)

    async def end_session(self, text: str) -> None:
        """Forget a session. Unknown ones are none."""
        key = self._hash(text)
        if key in self._rows["session"]:
            await self._forget("session", key)

    async def _make(self, kind: Kind, token: Token) -> str:
        text = "floe_" + secrets.token_urlsafe(32)
        key = self._hash(text)
        token = replace(token, era=self._era)
        shape: Mapping[str, Json] = encode(token)
        await self._hub.remember(kind, key, shape)
        if token.maker and token.maker not in self._rows["token"]:  # it has ended meanwhile
            await self._hub.remember(kind, key, None)
            raise Denied("these credentials have ended", "log in again")
        rows = self._rows[kind]
        before = [k for k, made in rows.items() if token.once and made.once == token.once]
        rows[key] = token
        for replaced in before:
            await (self._end(replaced) if kind == "token" else self._forget(kind, replaced))
        return text

    async def _sweep(self) -> None:
        now = self._hub.reads.now()
        rows = self._rows["session"]
        for key in [k for k, t in rows.items() if t.expires_at and t.expires_at <= now]:
            await self._forget("session", key)

    def _living(self, kind: Kind, key: str) -> Token | None:
        token = self._rows[kind].get(key)
        if token and token.expires_at is not None and token.expires_at <= self._hub.reads.now():
            return None
        return token

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), sha256).hexdigest()


def _is_of(session: Token, tokens: Collection[str], names: Collection[str]) -> bool:
    """Whether a session was opened with one of some tokens; in a row of an older release only
    the name says so."""
    return session.maker in tokens or (not session.era and session.name in names)
