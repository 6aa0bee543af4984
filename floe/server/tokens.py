"""Sessions and personal tokens. Their texts are shown once; only keyed hashes are stored.

All hosts of a cluster with the same administrator's token have the same entries: each takes the
changes of the others (token_exchange.py). An entry that has ended stays so, whatever arrives late.
"""

import asyncio
import hmac
import re
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final, get_args

from floe.hub.hub import Hub
from floe.model.codec import decode, encode
from floe.model.errors import Denied
from floe.model.ids import Instant, Json
from floe.model.secret import Secret
from floe.server.token import ID_LEN, Kind, ShownToken, Token, TokenChange, is_of, with_made
from floe.server.waits import wait_set

MADE: Final = re.compile(r"floe_[A-Za-z0-9_-]{43}")
"""The text of a session or personal token: 256 bits by chance."""

ENDED: Final = "ended-token"
"""The kind of the ledger's rows about entries that have ended before they expired."""


class Tokens:
    """The valid credentials. Stored in the hub's ledger; the server is its only writer."""

    def __init__(self, hub: Hub, admin: Secret) -> None:
        self._hub = hub
        self._key = sha256(admin.reveal().encode()).digest()
        self._era = self._hash("era")[:ID_LEN]
        self._may_look_made = MADE.fullmatch(admin.reveal()) is not None
        self._rows: dict[Kind, dict[str, Token]] = {}
        self._gone: dict[str, TokenChange] = {}
        self._changed_at: dict[str, int] = {}
        """The number of the last change of each entry, the latest last."""
        self._latest = 0
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self.process = secrets.token_hex(8)
        """The numbers of changes count in this process only."""

    async def open(self) -> None:
        """Read the entries of an earlier process, and drop the invalid ones.

        These are expired ones; those made with a revoked token (a crash may have come in between);
        and those made under a different administrator's token, so that they stay invalid if that
        token returns.
        """
        for key, row in (await self._hub.reads.kept(ENDED)).items():
            if isinstance(row, Mapping):
                self._gone[key] = decode(TokenChange, row)
        for kind in get_args(Kind):
            rows = await self._hub.reads.kept(kind)
            self._rows[kind] = {
                key: decode(Token, row) for key, row in rows.items() if isinstance(row, Mapping)
            }
            for key, token in [*self._rows[kind].items()]:
                if key in self._gone or token.era not in ("", self._era):
                    await self._forget(kind, key)
        makers = {token.maker for rows in self._rows.values() for token in rows.values()}
        await self._end(*makers - {"", *self._rows["token"]})
        sessions = self._rows["session"]
        await self._end_sessions(*{s.opener for s in sessions.values()} - {"", *sessions})
        await self._sweep()
        for key in (*self._gone, *self._rows["token"], *self._rows["session"]):
            self._number(key)

    def changes(self, after: int, most: int) -> tuple[list[TokenChange], int]:
        """The entries changed after a number, oldest change first, and the number to continue at.

        What an entry was made with comes before it.
        """
        found = [(key, n) for key, n in self._changed_at.items() if n > after][:most]
        return [self._change(key) for key, _ in found], found[-1][1] if found else after

    async def wait_changed(self, timeout_s: float) -> None:
        """Wait until any entry was made or has ended, or for some seconds."""
        await wait_set(self._changed, timeout_s)

    def stop(self) -> None:
        """Let the callers of `wait_changed` go."""
        self._changed.set()

    async def take(self, changes: Iterable[TokenChange]) -> None:
        """Apply the changes of a different host, in its order."""
        for change in changes:
            if change.key in self._gone or self._is_past(change.until):
                continue
            if change.token is None:
                await self._keep_ended(change)
                if change.key in self._rows[change.kind]:
                    end = self._end if change.kind == "token" else self._end_sessions
                    await end(change.key)
            elif change.token.era == self._era and change.key not in self._rows[change.kind]:
                await self._hub.remember(change.kind, change.key, encode(change.token))
                if self._may_exist(change.token) and change.key not in self._gone:
                    self._rows[change.kind][change.key] = change.token
                    self._number(change.key)
                else:  # it has ended meanwhile
                    await self._hub.remember(change.kind, change.key, None)

    def is_admin(self, text: str) -> bool:
        """Whether this is the administrator's token; in constant time."""
        return hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._key)

    def is_guess(self, text: str) -> bool:
        """Whether a wrong text may be a guess at the administrator's token.

        What has the form of a text that floe made is an ended session or token, unless the
        administrator's own token has that form.
        """
        return self._may_look_made or MADE.fullmatch(text) is None

    def find(self, text: str, *kinds: Kind) -> "ShownToken | None":
        """The session or token with this text, if any."""
        key = self._hash(text)
        for kind in kinds:
            if token := self._living(kind, key):
                return ShownToken(kind, key, token)
        return None

    def lives(self, shown: "ShownToken") -> bool:
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
        ending = with_made(tokens, made)
        names = {t.name for key in ending if (t := self._rows["token"].get(key))}
        ended = frozenset(ending)
        sessions = [k for k, s in self._rows["session"].items() if is_of(s, ended, names)]
        await self._drop([*(("token", key) for key in ending), *(("session", k) for k in sessions)])

    async def _end_sessions(self, *keys: str) -> None:
        """End some sessions with all that were opened with them."""
        opened = {key: session.opener for key, session in self._rows["session"].items()}
        await self._drop([("session", key) for key in with_made(keys, opened)])

    async def _drop(self, rows: Sequence[tuple[Kind, str]]) -> None:
        ended = [(kind, key, self._rows[kind].pop(key, None)) for kind, key in rows]
        for kind, key, token in ended:  # none of it is valid from here on
            if token is not None and key not in self._gone:
                await self._keep_ended(
                    TokenChange(kind=kind, key=key, token=None, until=token.expires_at)
                )
        for kind, key, _ in ended:
            await self._forget(kind, key)

    async def _keep_ended(self, change: TokenChange) -> None:
        self._gone[change.key] = change
        self._number(change.key)
        await self._hub.remember(ENDED, change.key, encode(change))

    async def _forget(self, kind: Kind, key: str) -> None:
        self._rows[kind].pop(key, None)
        if key not in self._gone:
            self._changed_at.pop(key, None)
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
        if not self._may_exist(token):  # its maker or opener has ended meanwhile
            await self._hub.remember(kind, key, None)
            raise Denied("this token or session is not valid any more", "log in again")
        rows = self._rows[kind]
        before = [k for k, made in rows.items() if token.once and made.once == token.once]
        rows[key] = token
        self._number(key)
        for replaced in before:
            await (self._end(replaced) if kind == "token" else self._end_sessions(replaced))
        return text

    async def _sweep(self) -> None:
        rows = self._rows["session"]
        for key in [k for k, t in rows.items() if self._is_past(t.expires_at)]:
            await self._forget("session", key)
        for key in [k for k, change in self._gone.items() if self._is_past(change.until)]:
            del self._gone[key]
            self._changed_at.pop(key, None)
            await self._hub.remember(ENDED, key, None)

    def _living(self, kind: Kind, key: str) -> Token | None:
        token = self._rows[kind].get(key)
        return None if token and self._is_past(token.expires_at) else token

    def _is_past(self, at: Instant | None) -> bool:
        return at is not None and at <= self._hub.reads.now()

    def _may_exist(self, token: Token) -> bool:
        """Whether what it was made with is there."""
        is_made = not token.maker or token.maker in self._rows["token"]
        return is_made and (not token.opener or token.opener in self._rows["session"])

    def _number(self, key: str) -> None:
        self._latest += 1
        self._changed_at.pop(key, None)
        self._changed_at[key] = self._latest
        self._changed.set()
        self._changed = asyncio.Event()

    def _change(self, key: str) -> TokenChange:
        if ended := self._gone.get(key):
            return ended
        kind: Kind = "token" if key in self._rows["token"] else "session"
        token = self._rows[kind][key]
        return TokenChange(kind=kind, key=key, token=token, until=token.expires_at)

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), sha256).hexdigest()
