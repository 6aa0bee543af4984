"""Requests to a server with the API of flyte, by the standard library alone."""

import ssl
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from floe.cli.client import TIMEOUT_S
from floe.model.errors import Denied, FloeError, NotFound, Theirs, TooLarge, Yours
from floe.model.ids import Json, Shape
from floe.packs.connections import Connections, ServerReply, Unanswered
from floe.server.flyte.go_json import parse_go

BODY_MAX: Final = 64 << 20
"""Bytes of an answer. An item of flyte has at most 16 MiB, as a document of its store has."""

WAITS_S: Final = (0.5, 2.0)
"""Seconds before each further attempt to reach a server that answered before."""

ACCESS_HINT: Final = "--token-file FILE, or FLYTE_JWT, with a token that may do this"

SAID_MAX: Final = 200
"""Characters of what a server says about an error."""

NONE: Final[Mapping[str, str]] = {}


class ServerGone(Theirs):
    """A server does not answer any more: what follows would fail too."""


class FlyteApi:
    """A server, asked for one thing after the other.

    Rule of this class: no request leaves the address that the user named, whatever a link says.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        ca: str = "",
        is_insecure: bool = False,
        for_token: str = ACCESS_HINT,
    ) -> None:
        """`for_token`: how to give a different token. Raises Yours for an invalid address."""
        self.root = _root(url)
        self._for_token = for_token
        self._origin = _origin(self.root)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connections = Connections(
            timeout_s=TIMEOUT_S, ca=ca, is_insecure=is_insecure, bytes_max=BODY_MAX
        )
        self._has_answered = False

    def get(self, url: str) -> Shape:
        """The object that a URL has, its numbers as Go reads them. Raises FloeError."""
        body = self.content(url, {"Accept": "application/json"})
        try:
            found: Json = parse_go(body)
        except Yours:
            found = None
        if not isinstance(found, dict):
            start = body[:40].decode(errors="replace").strip()
            what = f"{url} does not answer like flyte: it begins with {start!r}"
            raise Theirs(what, "is it the address of a flyte server, without a login page before?")
        return found

    def content(self, url: str, headers: Mapping[str, str] = NONE) -> bytes:
        """The bytes that a URL has. Raises FloeError."""
        return self.ask("GET", url, None, headers).body

    def ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> ServerReply:
        """A good answer. Raises FloeError, ServerGone if there is none."""
        if _origin(url) != self._origin:
            what = f"a link of {self.root} leads to {url}, which is a different server"
            raise Theirs(what, "give the address that its links have, or check its proxy")
        reply = self._reply(method, url, body, {**headers, **self._headers})
        if len(reply.body) > BODY_MAX:
            raise TooLarge(f"{url} has more than {BODY_MAX >> 20} MiB")
        if reply.status >= 300:
            raise self._refusal(url, reply)
        return reply

    def close(self) -> None:
        """Close its connections."""
        self._connections.close()

    def _reply(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> ServerReply:
        # Each request may be sent twice: what is written replaces what has its name.
        waits = WAITS_S if self._has_answered else ()
        for wait_s in (*waits, None):
            try:
                reply = self._connections.ask(method, url, body, headers)
                self._has_answered = True
                return reply
            except Unanswered as error:
                if wait_s is None or isinstance(error.__cause__, ssl.SSLError):
                    raise ServerGone(f"no reply from {error}", _hint(error)) from None
                time.sleep(wait_s)
        raise AssertionError("the last attempt has no wait")

    def _refusal(self, url: str, reply: ServerReply) -> FloeError:
        said = reply.body[:SAID_MAX].decode(errors="replace").strip()
        more = f": {said}" if said and not said.startswith("<") else ""
        what = f"{url} answers {reply.status}{more}"
        if reply.status < 400:
            to = reply.location or "a different address"
            return Theirs(f"{url} is a redirect to {to}", "give that address")
        if reply.status in (401, 403):
            return Denied(what, self._for_token)
        if reply.status == 404:
            return NotFound(what)
        return Theirs(what) if reply.status >= 500 else Yours(what)


def _root(url: str) -> str:
    """The address before `/v1`. Raises Yours."""
    text = url if "://" in url else f"http://{url}"
    scheme, host, port = _origin(text)
    if scheme not in ("http", "https") or not host or not port or "?" in text or "#" in text:
        raise Yours(f"{url!r} is not the address of a server", "https://flyte.example.com:8443")
    if "@" in urlsplit(text).netloc:
        raise Yours("the address has a password in it", "--token-file FILE")
    return text.rstrip("/").removesuffix("/v1")


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL; empty for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ("", "", 0)
    if port is None:
        port = {"http": 80, "https": 443}.get(parts.scheme, 0)
    return (parts.scheme, (parts.hostname or "").strip(), port)


def _hint(error: Unanswered) -> str:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return "--ca FILE with the certificate to trust, or --insecure to trust any"
    if isinstance(error.__cause__, ssl.SSLError):
        return "does this address serve TLS? if not, write http://"
    return ""
