"""Sessions and personal tokens. Their texts are shown once; only keyed hashes are stored."""

import asyncio
import hmac
import re
import secrets
import sys
from collections.abc import Collection, Mapping, Sequence
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
"""Hex digits that identify a token: enough to distinguish all, too few to be its hash."""

MADE: Final = re.compile(r"floe_[A-Za-z0-9_-]{43}")
"""The text of a session or personal token: 256 bits by chance."""

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


class Shown(NamedTuple):
    """A session or personal token that a client has shown."""

    kind: Kind
    key: str
    """The key under which it is stored."""
    token: Token

    @property
    def maker(self) -> str:
        """The token on which anything made with it depends: the nearest personal token."""
        return self.key if self.kind == "token" else self.token.maker


class Tokens:
    """The valid credentials. Stored in the hub's ledger; the server is its only writer."""

    def __init__(self, hub: Hub, admin: Secret) -> None:
        self._hub = hub
        self._key = sha256(admin.reveal().encode()).digest()
        self._era = self._hash("era")[:ID_LEN]
        self._may_look_made = MADE.fullmatch(admin.reveal()) is not None
        self._rows: dict[Kind, dict[str, Token]] = {}
        self._ended = asyncio.Event()

    async def open(self) -> None:
        """Read the entries of an earlier process, and drop the invalid ones.

        These are expired ones; those made with a revoked token (a crash may have come in between);
        and those made under a different administrator's token, so that they stay invalid if that
        token returns.
        """
        for kind in get_args(Kind):
            rows = await self._hub.reads.kept(kind)
            self._rows[kind] = {
                key: decode(Token, row) for key, row in rows.items() if isinstance(row, Mapping)
            }
            for key in [k for k, t in self._rows[kind].items() if t.era not in ("", self._era)]:
                await self._forget(kind, key)
        makers = {token.maker for rows in self._rows.values() for token in rows.values()}
        await self._end(*makers - {"", *self._rows["token"]})
        sessions = self._rows["session"]
        await self._end_sessions(*{s.opener for s in sessions.values()} - {"", *sessions})
        await self._sweep()

    def is_admin(self, text: str) -> bool:
        """Whether this is the administrator's token; in constant time."""
        return hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._key)

    def is_guess(self, text: str) -> bool:
        """Whether a wrong text may be a guess at the administrator's token.

        What has the form of a text that floe made is an ended session or token, unless the
        administrator's own token has that form.
        """
        return self._may_look_made or MADE.fullmatch(text) is None

    def find(self, text: str, *kinds: Kind) -> "Shown | None":
        """The session or token with this text, if any."""
        key = self._hash(text)
        for kind in kinds:
            if token := self._living(kind, key):
                return Shown(kind, key, token)
        return None

    def lives(self, shown: "Shown") -> bool:
        """Whether a session or token is still valid."""
        return self._living(shown.kind, shown.key) is not None

    async def wait_ended(self, timeout_s: float) -> None:
        """Wait until any session or token has ended, or for some seconds."""
        await wait_set(self._ended, timeout_s)

    async def make_session(
        self, name: str, session_s: int, once: str = "", *, maker: str = "", opener: str = ""
    ) -> str:
        """A new session, in place of one with the same idempotency key.

        `name` and `maker` are of the personal token that opened it, or empty; `opener` is the
        session that did. Raises Denied where the maker or the opener has ended.
        """
        await self._sweep()
        now = self._hub.reads.now()
        opened = self._rows["session"].get(opener)
        latest = opened.expires_at if opened else None
        expires_at = Instant(min(now + session_s * 1000, latest or sys.maxsize))
        token = Token(
            name=name, made_at=now, expires_at=expires_at, once=once, maker=maker, opener=opener
        )
        return await self._make("session", token)

    async def make_personal(self, name: str, once: str = "", *, maker: str = "") -> str:
        """A new personal token, valid until its maker ends or the administrator's token changes.

        It replaces one with the same idempotency key. Raises Denied if the maker has ended.
        """
        now = self._hub.reads.now()
        return await self._make("token", Token(name=name, made_at=now, once=once, maker=maker))

    def personal(self) -> list[tuple[str, Token]]:
        """Personal tokens, oldest first, each with a public name that grants no access."""
        rows = self._rows["token"].items()
        return sorted(((key[:ID_LEN], t) for key, t in rows), key=lambda row: row[1].made_at)

    async def revoke(self, id: str) -> bool:
        """Revoke a personal token with everything that was made with it.

        That includes sessions, tokens, and whatever was made with those. False if it does not
        exist.
        """
        token = next((key for key in self._rows["token"] if key[:ID_LEN] == id), None)
        if token is None:
            return False
        await self._end(token)
        return True

    async def _end(self, *tokens: str) -> None:
        """End some tokens with all that was made with them."""
        made = {key: token.maker for key, token in self._rows["token"].items()}
        ending = _with_made(tokens, made)
        names = {t.name for key in ending if (t := self._rows["token"].get(key))}
        ended = frozenset(ending)
        sessions = [k for k, s in self._rows["session"].items() if _is_of(s, ended, names)]
        await self._drop([*(("token", key) for key in ending), *(("session", k) for k in sessions)])

    async def _end_sessions(self, *keys: str) -> None:
        """End some sessions with all that were opened with them."""
        opened = {key: session.opener for key, session in self._rows["session"].items()}
        await self._drop([("session", key) for key in _with_made(keys, opened)])

    async def _drop(self, rows: Sequence[tuple[Kind, str]]) -> None:
        for kind, key in rows:  # none of it is valid from here on
            self._rows[kind].pop(key, None)
        for kind, key in rows:
            await self._forget(kind, key)

    async def _forget(self, kind: Kind, key: str) -> None:
        self._rows[kind].pop(key, None)
        self._ended.set()
        self._ended = asyncio.Event()
        await self._hub.remember(kind, key, None)

    async def end_session(self, text: str) -> None:
        """Forget a session, and those that were opened with it. Unknown ones are none."""
        key = self._hash(text)
        if key in self._rows["session"]:
            await self._end_sessions(key)

    async def _make(self, kind: Kind, token: Token) -> str:
        text = "floe_" + secrets.token_urlsafe(32)
        key = self._hash(text)
        token = replace(token, era=self._era)
        shape: Mapping[str, Json] = encode(token)
        await self._hub.remember(kind, key, shape)
        is_late = token.maker and token.maker not in self._rows["token"]
        if is_late or (token.opener and token.opener not in self._rows["session"]):
            # It has ended meanwhile.
            await self._hub.remember(kind, key, None)
            raise Denied("this token or session is not valid any more", "log in again")
        rows = self._rows[kind]
        before = [k for k, made in rows.items() if token.once and made.once == token.once]
        rows[key] = token
        for replaced in before:
            await (self._end(replaced) if kind == "token" else self._end_sessions(replaced))
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


def _with_made(makers: Collection[str], made: Mapping[str, str]) -> list[str]:
    """Some keys, and all that were made with them: directly, or with what was made with them.

    `made` maps what was made to its maker.
    """
    by_maker: dict[str, list[str]] = {}
    for key, maker in made.items():
        by_maker.setdefault(maker, []).append(key)
    found = [*makers]
    for key in found:  # grows during the loop
        found += by_maker.get(key, ())
    return found


def _is_of(session: Token, tokens: Collection[str], names: Collection[str]) -> bool:
    """Whether a session was opened with one of some tokens; in entries of an older release only the
    name shows it."""
    return session.maker in tokens or (not session.era and session.name in names)
