"""Identify the caller. Access is denied by default; the table of routes marks public routes.

Credentials are tried in this order: the cluster's token, a token in a header, then the session
cookie. The cookie opens sessions only, so guessing a credential that browsers send is pointless.
"""

import asyncio

import structlog
from aiohttp import web

from floe.model.errors import Denied
from floe.model.nouns import dataclass
from floe.peers.base import TOKEN
from floe.server.origin import SAFE, check_origin
from floe.server.peer_auth import PeerAuth
from floe.server.problems import Throttled
from floe.server.settings import ServerSettings
from floe.server.throttle import Throttle
from floe.server.token import COOKIE, USER, ShownToken
from floe.server.tokens import Tokens

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller that authenticated with valid credentials."""

    user: str
    name: str = ""
    """The name of the personal token, if one was used."""
    via: str = ""
    """The host that relayed the request; empty for a direct request."""
    shown: ShownToken | None = None
    """The session or personal token; None for the administrator's own, and for hosts."""

    @property
    def by(self) -> str:
        """The name of this caller in the events of runs."""
        return f"{self.user}:{self.name}" if self.name else self.user


class Auth:
    """Identifies callers, and slows down guessing."""

    def __init__(self, tokens: Tokens, settings: ServerSettings, peer_auth: PeerAuth) -> None:
        self.tokens = tokens
        self._peer_auth = peer_auth
        self._logins = Throttle(settings.login_tries, settings.throttle_s)
        self._wrong = Throttle(settings.wrong_tries, settings.throttle_s)
        self._ended = Throttle(settings.wrong_tries, settings.throttle_s)
        """Ended texts that floe made: a client that repeats one is not guessing."""

    async def caller(self, request: web.Request) -> Caller:
        """The caller of a request. Raises Denied, Throttled, KeeperAway, or Forbidden for a foreign
        origin."""
        if TOKEN in request.headers:
            passed = self._peer_auth.passed(request)
            user, _, name = passed.by.partition(":")
            return Caller(user=user, name=name, via=passed.via)
        if text := header_token(request):
            return await self.by_token(request, text)
        shown = self.tokens.find(request.cookies.get(COOKIE, ""), "session")
        if shown is None:
            raise Denied("credentials are needed", "log in, or send a token as X-Floe-Auth")
        if request.method not in SAFE:
            check_origin(request)
        return _caller(shown)

    async def by_token(self, request: web.Request, text: str) -> Caller:
        """The owner of a token that a request has. Raises Denied, Throttled, KeeperAway."""
        return await self._by_token(request, text, self._wrong)

    def check(self, caller: Caller) -> None:
        """Check credentials again that were valid before. Raises Denied if they have ended."""
        if caller.shown is not None and not self.tokens.lives(caller.shown):
            raise Denied("this token or session is not valid any more", "log in again")

    async def login(self, request: web.Request, text: str) -> Caller:
        """The owner of a token given at login. Raises Denied, Throttled, KeeperAway."""
        return await self._by_token(request, text, self._logins)

    async def _by_token(self, request: web.Request, text: str, throttle: Throttle) -> Caller:
        if shown := self.tokens.find(text, "session", "token"):
            return _caller(shown)
        # Tokens made by floe cannot be guessed, but the administrator's token may be short. So only
        # attempts at that one are slowed down, and logged-in users never wait.
        if not self.tokens.is_guess(text):
            throttle = self._ended
        peer, now = request.remote or "", asyncio.get_running_loop().time()
        if wait_s := throttle.wait_s(peer, now):
            raise Throttled(wait_s)
        is_admin = self.tokens.is_admin(text)
        if not is_admin and (shown := await self.tokens.ask(text)):
            return _caller(shown)  # it was made at a different host, a moment ago
        if not is_admin:
            throttle.failed(peer, now)
            log.warning("auth.denied", peer=peer, path=request.path)
            raise Denied("wrong credentials")
        throttle.passed(peer)
        return Caller(user=USER)


def _caller(shown: ShownToken) -> Caller:
    return Caller(user=shown.token.user, name=shown.token.name, shown=shown)


def header_token(request: web.Request) -> str:
    """The token in a request's headers that is to authenticate it; empty for none."""
    if text := request.headers.get("X-Floe-Auth", ""):
        return text
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def is_from_https(request: web.Request) -> bool:
    """For authentication: whether the client uses TLS, to this server or a proxy in front."""
    return request.secure or request.headers.get("Origin", "").lower().startswith("https://")
