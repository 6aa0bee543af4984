"""Sessions and personal tokens. Their texts are shown once; only keyed hashes are stored.

Personal tokens are shared rows (shared_tokens.py). All hosts of a cluster with the same
administrator's token have the same sessions: each takes the changes of the others
(token_exchange.py), without a keeper the ends of personal tokens, too. An ended session stays so.
"""

import asyncio
import hmac
import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

import structlog

from floe.hub.hub import Hub
from floe.model.codec import decode, encode
from floe.model.errors import Denied
from floe.model.ids import Instant
from floe.model.secret import Secret
from floe.server.shared_tokens import ENDED, TOKEN, SharedTokens
from floe.server.token import ID_LEN, Kind, ShownToken, Token, TokenChange, with_made
from floe.server.waits import wait_set

log = structlog.get_logger()

SESSION: Final = "session"
"""A kind of rows of the ledger."""

MADE: Final = re.compile(r"floe_[A-Za-z0-9_-]{43}")
"""The text of a session or personal token: 256 bits by chance."""


class Tokens:
    """The valid credentials. The server alone writes the sessions, into the hub's ledger."""

    def __init__(self, hub: Hub, admin: Secret) -> None:
        self._hub = hub
        self._key = sha256(admin.reveal().encode()).digest()
        self._era = self._hash("era")[:ID_LEN]
        self._may_look_made = MADE.fullmatch(admin.reveal()) is not None
        self.personal = SharedTokens(hub, self._era)
        self._rows: dict[str, Token] = {}
        """The sessions by key."""
        self._gone: dict[str, TokenChange] = {}
        self._changed_at: dict[str, int] = {}
        """The number of the last change of each entry, the latest last."""
        self._latest = 0
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._told: set[str] = set()
        """Tokens that were let in since the keeper has not answered."""
        self.process = secrets.token_hex(8)
        """The numbers of changes count in this process only."""

    async def open(self) -> None:
        """Read the entries of an earlier process, and drop the invalid ones.

        These are expired ones; those whose opener has ended (a crash may have come in between); and
        those made under a different administrator's token, so that they stay invalid if that token
        returns.
        """
        await self.personal.open(self._personal_changed)
        for key, row in (await self._hub.reads.kept(ENDED)).items():
            if isinstance(row, Mapping) and (one := decode(TokenChange, row)).kind == SESSION:
                self._gone[key] = one
        for key, row in (await self._hub.reads.kept(SESSION)).items():
            if isinstance(row, Mapping):
                self._rows[key] = decode(Token, row)
        for key, session in [*self._rows.items()]:
            if key in self._gone or session.era not in ("", self._era):
                await self._forget(key)
        await self._end(*{s.opener for s in self._rows.values()} - {"", *self._rows})
        await self._sweep()
        for key in (*self.personal.ended(), *self._gone, *self._rows):
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
            if change.kind == TOKEN:
                self.personal.take(change)
                continue
            if change.key in self._gone or self._is_past(change.until):
                continue
            if change.token is None:
                await self._keep_ended(change)
                if change.key in self._rows:
                    await self._end(change.key)
            elif change.token.era == self._era and change.key not in self._rows:
                await self._hub.remember(SESSION, change.key, encode(change.token))
                if self._may_exist(change.token) and change.key not in self._gone:
                    self._rows[change.key] = change.token
                    self._number(change.key)
                else:  # it has ended meanwhile
                    await self._hub.remember(SESSION, change.key, None)

    def is_admin(self, text: str) -> bool:
        """Whether this is the administrator's token; in constant time."""
        return hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._key)

    def is_guess(self, text: str) -> bool:
        """Whether a wrong text may be a guess at the administrator's token.

        What has the form of a text that floe made is an ended session or token, unless the
        administrator's own token has that form.
        """
        return self._may_look_made or MADE.fullmatch(text) is None

    def find(self, text: str, *kinds: Kind) -> ShownToken | None:
        """The session or token with this text, if this host has any."""
        key = self._hash(text)
        for kind in kinds:
            if token := self._living(kind, key):
                return self._let_in(ShownToken(kind, key, token))
        return None

    async def ask(self, text: str) -> ShownToken | None:
        """The personal token with a text that this host lacks, if the cluster has any.

        Raises KeeperAway where only the keeper knows.
        """
        if not MADE.fullmatch(text):
            return None
        key = self._hash(text)
        token = await self.personal.find(key)
        return ShownToken("token", key, token) if token else None

    def lives(self, shown: ShownToken) -> bool:
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
        latest = opened.expires_at if (opened := self._rows.get(opener)) else None
        expires_at = Instant(min(now + session_s * 1000, latest or sys.maxsize))
        token = Token(
            name=name,
            made_at=now,
            expires_at=expires_at,
            once=once,
            maker=maker,
            opener=opener,
            era=self._era,
        )
        text, key = self._new()
        await self._hub.remember(SESSION, key, encode(token))
        if not (self._may_exist(token) and self._has_maker(token)):  # it has ended meanwhile
            await self._hub.remember(SESSION, key, None)
            raise Denied("this token or session is not valid any more", "log in again")
        before = [k for k, made in self._rows.items() if once and made.once == once]
        self._rows[key] = token
        self._number(key)
        for replaced in before:
            await self._end(replaced)
        return text

    async def make_personal(
        self, name: str, once: str = "", *, maker: str = "", by: str = ""
    ) -> str:
        """A new personal token, valid until its maker ends or the administrator's token changes.

        It replaces one with the same idempotency key. Raises Denied if the maker has ended, and
        KeeperAway.
        """
        (text, key), now = self._new(), self._hub.reads.now()
        token = Token(name=name, made_at=now, once=once, maker=maker, era=self._era)
        await self.personal.make(key, token, by=by)
        return text

    async def _end(self, *keys: str) -> None:
        """End some sessions with all that were opened with them."""
        opened = {key: session.opener for key, session in self._rows.items()}
        ended = [(key, self._rows.pop(key, None)) for key in with_made(keys, opened)]
        for key, token in ended:  # none of it is valid from here on
            if token is not None and key not in self._gone:
                await self._keep_ended(TokenChange.of_session(key, None, token.expires_at))
        for key, _ in ended:
            await self._forget(key)

    async def _keep_ended(self, change: TokenChange) -> None:
        self._gone[change.key] = change
        self._number(change.key)
        await self._hub.remember(ENDED, change.key, encode(change))

    async def _forget(self, key: str) -> None:
        self._rows.pop(key, None)
        if key not in self._gone:
            self._changed_at.pop(key, None)
        self._tell_ended()
        await self._hub.remember(SESSION, key, None)

    def _personal_changed(self) -> None:
        for key in {*self.personal.ended()} - self._changed_at.keys():
            self._number(key)
        self._tell_ended()

    def _tell_ended(self) -> None:
        self._ended.set()
        self._ended = asyncio.Event()

    async def end_session(self, text: str) -> None:
        """Forget a session, and those that were opened with it. Unknown ones are none."""
        if (key := self._hash(text)) in self._rows:
            await self._end(key)

    def _new(self) -> tuple[str, str]:
        """The text of a new session or token, and its key."""
        text = "floe_" + secrets.token_urlsafe(32)
        return text, self._hash(text)

    async def _sweep(self) -> None:
        for key in [k for k, t in self._rows.items() if self._is_past(t.expires_at)]:
            await self._forget(key)
        for key in [k for k, one in self._gone.items() if self._is_past(one.until)]:
            del self._gone[key]
            self._changed_at.pop(key, None)
            await self._hub.remember(ENDED, key, None)

    def _living(self, kind: Kind, key: str) -> Token | None:
        if kind == "token":
            return self.personal.get(key)
        session = self._rows.get(key)
        if session is None or self._is_past(session.expires_at):
            return None
        return session if self._has_maker(session) else None

    def _has_maker(self, session: Token) -> bool:
        """Whether the personal token of a session is valid, if it was opened with one; an entry of
        an older release has only the name of it."""
        if session.maker or session.era or not session.name:
            return not session.maker or self.personal.get(session.maker) is not None
        return any(token.name == session.name for token in self.personal.all().values())

    def _let_in(self, shown: ShownToken) -> ShownToken:
        """Report that a token is let in although it may have been revoked: the keeper is away."""
        maker = shown.maker
        if not (age := self.personal.age()):
            self._told.clear()
        elif maker and maker not in self._told:
            self._told.add(maker)
            log.warning("auth.old_rows", by=shown.token.by, token=maker[:ID_LEN], why=age)
        return shown

    def _is_past(self, at: Instant | None) -> bool:
        return at is not None and at <= self._hub.reads.now()

    def _may_exist(self, session: Token) -> bool:
        """Whether nothing that a session was opened with is known to have ended."""
        has_opener = not session.opener or session.opener in self._rows
        return has_opener and not self.personal.was_ended(session.maker)

    def _number(self, key: str) -> None:
        self._latest += 1
        self._changed_at.pop(key, None)
        self._changed_at[key] = self._latest
        self._changed.set()
        self._changed = asyncio.Event()

    def _change(self, key: str) -> TokenChange:
        if ended := self._gone.get(key):
            return ended
        if token := self._rows.get(key):
            return TokenChange.of_session(key, token, token.expires_at)
        return TokenChange(kind=TOKEN, key=key, token=None, until=None)

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), sha256).hexdigest()
