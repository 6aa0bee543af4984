"""Sends requests to http and https servers, and follows redirects itself.

Rules of this file: a URL is sent byte for byte; only characters that a request line cannot carry
(blanks and non-ASCII) are encoded. The credentials of a URL go only to its own host. Each download
has its own session, so that none shares cookies, connections or DNS answers.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from socket import socket
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urljoin

import aiohttp
from aiohttp.helpers import URL  # type: ignore[attr-defined]  # what aiohttp takes; yarl is its own

from floe.model.nouns import dataclass
from floe.model.secret import without_password
from floe.nodes.partial_file import DownloadRefused
from floe.trust import certificates

CONNECT_S: Final = 30.0
"""Seconds to connect to a server."""
HTTP_SILENCE_S: Final = 60.0
"""Seconds within which a server must send at least one byte."""
REDIRECTS_MAX: Final = 10
REDIRECTS: Final = (301, 302, 303, 307, 308)

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNSENT: Final = re.compile(r"[^\x21-\x7e]+")
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """The parts of a URL for a request."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, exactly as sent."""
    user: str
    """Name and password in aiohttp's encoding; empty for none."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL. Raises DownloadRefused for a URL that cannot be requested."""
        text = url.strip(" ")
        if _CONTROL.search(text):
            raise DownloadRefused("the url contains a line break or a different control character")
        scheme = text.partition(":")[0].lower()
        if scheme not in _PORTS:
            raise DownloadRefused("only http and https urls can be fetched")
        rest = text[len(scheme) + 1 :].partition("#")[0]
        if not rest.startswith("//"):
            raise DownloadRefused(f"the url has no host: write {scheme}://host/…")
        authority = re.split(r"[/?]", rest[2:], maxsplit=1)[0]
        path = rest[2 + len(authority) :]
        user, _, place = authority.rpartition("@")
        try:
            there = URL(f"{scheme}://{place}")
            host, port = there.raw_host, there.port
            if host and ":" not in host:
                host.encode("idna")  # the look-up does the same, but its error would not be caught
        except ValueError as error:
            raise DownloadRefused(f"the host of the url is not valid: {error}") from None
        if not host or not port:
            raise DownloadRefused(f"the url has no host: write {scheme}://host/…")
        return cls(
            scheme=scheme,
            host=f"[{host}]" if ":" in host else host,
            port=port,
            path=_UNSENT.sub(_encoded, path if path.startswith("/") else "/" + path),
            user=_user(user),
        )

    def url(self, user: str = "") -> URL:
        """The URL for aiohttp, with path and query unchanged."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        authority = f"{user}@{self.host}{port}" if user else self.host + port
        return URL.build(scheme=self.scheme, authority=authority, path=self.path, encoded=True)

    def beside(self, location: str) -> str:
        """The absolute URL of a redirect from here; only a relative path is resolved.

        Source: RFC 3986, 5.2.2.
        """
        here = str(self.url())
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", location):
            return location
        if location.startswith("//"):
            return f"{self.scheme}:{location}"
        if location.startswith("/"):
            return here[: -len(self.path)] + location
        return urljoin(here, location)

    def may_know(self, before: "HttpTarget") -> bool:
        """Whether credentials for `before` may be sent here: the same host, and no less secure."""
        is_safer = (before.scheme, before.port, self.scheme, self.port) == (
            "http",
            80,
            "https",
            443,
        )
        place = (self.scheme, self.port) == (before.scheme, before.port)
        return self.host == before.host and (place or is_safer)


def _user(text: str) -> str:
    """Name and password of a URL, encoded so that aiohttp, which sends latin-1, sends UTF-8."""
    name, colon, password = (
        unquote(part).encode(errors="surrogateescape").decode("latin-1")
        for part in text.partition(":")
    )
    if ":" in name:
        raise DownloadRefused("the user in the url contains a colon, which HTTP cannot carry")
    return quote(name, safe="") + colon + quote(password, safe="")


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="surrogateescape"))


@asynccontextmanager
async def get(
    http_session: aiohttp.ClientSession,
    url: str,
    print_line: Callable[[str], None] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """GET a URL over http and follow redirects; the body of the response is not read yet.

    `print_line` receives a line for each redirect. Raises DownloadRefused, aiohttp.ClientError,
    TimeoutError.
    """
    target = HttpTarget.parse(url)
    user = target.user
    for _ in range(REDIRECTS_MAX + 1):
        async with http_session.get(
            target.url(user), headers=headers, allow_redirects=False
        ) as response:
            if response.status not in REDIRECTS:
                yield response
                return
            location = response.headers.get("Location", "").strip()
            if not location:
                raise DownloadRefused(
                    f"the server redirects ({response.status}) without a Location"
                )
            there = target.beside(location)
            print_line(f"{response.status}: redirected to {printable(there)}")
            before, target = target, HttpTarget.parse(there)
            if (before.scheme, target.scheme) == ("https", "http"):
                print_line(
                    "redirected from https to http: the network can read and change the file"
                )
            user = target.user or (user if target.may_know(before) else "")
    raise DownloadRefused(f"more than {REDIRECTS_MAX} redirects")


@asynccontextmanager
async def http_session(
    *,
    total_s: float | None = None,
    is_raw: bool = True,
    socket_factory: Callable[[Any], socket] | None = None,
) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session, for one request; `is_raw`: the bytes are not decompressed.

    Uses the proxies and the `.netrc` of floe's own environment.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=await asyncio.to_thread(certificates), socket_factory=socket_factory
        ),
        timeout=aiohttp.ClientTimeout(
            total=total_s, sock_connect=CONNECT_S, sock_read=HTTP_SILENCE_S
        ),
        headers={"Accept-Encoding": "identity"} if is_raw else None,
        auto_decompress=not is_raw,
        trust_env=True,
    ) as http:
        yield http


def printable(url: str) -> str:
    """An http URL that is safe to print: without password, and without query, often signed."""
    return without_password(re.split(r"[?#]", url, maxsplit=1)[0])


def status_text(response: aiohttp.ClientResponse) -> str:
    """The status of an http response: `404 Not Found`."""
    return f"{response.status} {response.reason or ''}".strip()
