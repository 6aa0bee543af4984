"""The personal tokens: shared rows, whose keys are the hashes of the tokens.

A token is valid while its row and those of all its makers exist, so one write ends everything that
was made with a token. The tokens of an older floe, which each host stored itself, are carried over:
a deletion first, and a token only where the cluster never had a row.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from floe.hub.hub import Hub
from floe.model.codec import decode, encode
from floe.model.errors import Conflict, Denied, FloeError, NotFound
from floe.model.ids import Json
from floe.model.shared_row import SharedRow
from floe.server.token import ID_LEN, Token, TokenChange, with_made

log = structlog.get_logger()

TOKEN: Final = "token"  # noqa: S105 - a kind of rows, no password
"""The kind of the shared rows; also of the ledger's rows of an older floe."""

ENDED: Final = "ended-token"
"""The kind of the ledger's rows about entries that have ended before they expired."""

RETRY_S: Final = 1.0
"""Seconds before the tokens of an older floe are sent to the keeper again."""


class SharedTokens:
    """The personal tokens of the cluster, by the hashes of their texts."""

    def __init__(self, hub: Hub, era: str) -> None:
        """`era` is the mark of the administrator's token."""
        self._hub = hub
        self._shared = hub.shared
        self._era = era
        self._old: dict[str, Token] = {}
        """Tokens of an older floe that are not carried over yet."""
        self._old_ended: set[str] = set()
        self._waiting: asyncio.Task[None] | None = None

    def age(self) -> str:
        """Why the tokens here may be old, as a sentence; empty while the keeper answers."""
        return self._shared.age()

    def get(self, key: str) -> Token | None:
        """A valid token, as this host's copy has it."""
        token = self._row(key)
        maker = token
        for _ in range(len(self._old) + self._shared.count):
            if maker is None or not maker.maker:
                break
            maker = self._row(maker.maker)
        return token if maker is not None else None

    def was_ended(self, key: str) -> bool:
        """Whether this host knows that a token was revoked."""
        row = self._shared.local(TOKEN, key)
        return key in self._old_ended or (row is not None and row.value is None)

    def ended(self) -> list[str]:
        """The keys of revoked tokens that this host has to report, as no keeper copies the rows."""
        return self._shared.deleted(TOKEN) if self._shared.is_split else []

    def all(self) -> dict[str, Token]:
        """All valid tokens by key, the oldest first."""
        keys = [row.key for row in self._shared.of_kind(TOKEN)]
        found = {key: token for key in [*keys, *self._old] if (token := self.get(key))}
        return dict(sorted(found.items(), key=lambda one: one[1].made_at))

    async def find(self, key: str) -> Token | None:
        """A valid token, by the keeper where this host's copy lacks it. Raises KeeperAway."""
        if self.was_ended(key):
            return None
        if key not in self._old:
            await self._shared.find(TOKEN, key)
        return self.get(key)

    async def make(self, key: str, token: Token, *, by: str) -> None:
        """Store a token, in place of those with its idempotency key.

        Raises Denied where its maker has ended, KeeperAway.
        """
        before = [k for k, made in self.all().items() if token.once and made.once == token.once]
        await self._shared.write(TOKEN, key, encode(token), by=by, expected=0)
        if self.get(key) is None:
            await self._delete(key, by)
            raise Denied("this token or session is not valid any more", "log in again")
        for replaced in before:
            await self.end(replaced, by=by)

    async def end(self, key: str, *, by: str) -> None:
        """Revoke a token, with everything that was made with it. Raises KeeperAway."""
        made = {row.key: _token(row).maker for row in self._shared.of_kind(TOKEN)}
        made |= {old: token.maker for old, token in self._old.items()}
        for ending in with_made([key], made):
            await self._delete(ending, by)

    async def key_of(self, id: str) -> str:
        """The key of a valid token with an id. Raises NotFound, and KeeperAway where only the
        keeper knows."""
        for is_sure in (False, True):
            if is_sure:
                await self._shared.catch_up(TOKEN)
            if found := next((key for key in self.all() if key[:ID_LEN] == id), None):
                return found
        raise NotFound(f"no token {id[:80]}", "GET tokens lists them")

    # --- the tokens of an older floe ---

    async def open(self, changed: Callable[[], None]) -> None:
        """Read what an older floe stored, and carry it over, as soon as the keeper takes it.

        `changed` is called after each change of a token.
        """
        self._shared.changed.append(changed)
        for key, row in (await self._hub.reads.kept(ENDED)).items():
            if isinstance(row, Mapping) and decode(TokenChange, row).kind == TOKEN:
                self._old_ended.add(key)
        for key, row in (await self._hub.reads.kept(TOKEN)).items():
            if isinstance(row, Mapping):
                self._old[key] = decode(Token, row)
        try:
            await self._carry_over()
        except FloeError as error:
            log.info("auth.tokens_wait", tokens=len(self._old), error=str(error))
            self._carry_over_soon()

    def take(self, change: TokenChange) -> None:
        """A host with an older floe reports a token that it made or revoked.

        Without a keeper each host reports the tokens that it revoked, and only those count: the
        tokens that an older floe had exchanged are in the rows of every host.
        """
        if self._shared.is_split and (change.token or not self._row(change.key)):
            return
        is_known = self._shared.local(TOKEN, change.key) is not None
        if is_known and not (change.token is None and self._row(change.key)):
            return
        if change.token is None:
            self._old_ended.add(change.key)
        else:
            self._old[change.key] = change.token
        if self._waiting is None or self._waiting.done():
            self._carry_over_soon()

    def _carry_over_soon(self) -> None:
        name = "personal tokens of an older floe"
        self._waiting = self._hub.keep(name, self._carry_over_later)

    async def _carry_over_later(self) -> None:
        """Carry over the rest as soon as the keeper takes it."""
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                await self._carry_over()
            except FloeError as error:
                log.debug("auth.tokens_wait", tokens=len(self._old), error=str(error))
            else:
                if not (self._old or self._old_ended):  # else one was reported meanwhile
                    return

    async def _carry_over(self) -> None:
        """Send the tokens of an older floe to the keeper; the keeper deletes those of an earlier
        administrator's token."""
        if self._shared.is_own:
            for row in self._shared.of_kind(TOKEN):
                if _token(row).era not in ("", self._era):
                    await self._delete(row.key, "floe")
        for key in sorted(self._old_ended):
            await self._delete(key, "floe")
        for key, token in [*self._old.items()]:
            await self._carry(key, token)

    async def _carry(self, key: str, token: Token) -> None:
        if token.era in ("", self._era):
            shape: Json = encode(token)
            try:
                await self._shared.write(TOKEN, key, shape, by="floe", expected=0)
            except Conflict:
                if await self._shared.find(TOKEN, key) is None:
                    raise  # it is not stored
        await self._forget_old(key)  # its end may have been reported meanwhile: that one stays

    async def _delete(self, key: str, by: str) -> None:
        await self._shared.write(TOKEN, key, None, by=by, expected=None)
        await self._forget_old(key)
        if key in self._old_ended:
            await self._hub.remember(ENDED, key, None)
            self._old_ended.discard(key)

    async def _forget_old(self, key: str) -> None:
        if key in self._old:
            await self._hub.remember(TOKEN, key, None)
            self._old.pop(key, None)

    def _row(self, key: str) -> Token | None:
        row = self._shared.local(TOKEN, key)
        token = self._old.get(key) if row is None else _token(row) if row.value else None
        is_ours = token is not None and token.era in ("", self._era)
        return token if is_ours and key not in self._old_ended else None


def _token(row: SharedRow) -> Token:
    assert isinstance(row.value, Mapping), "the value of a token's row is an object"
    return decode(Token, row.value)
