"""Asks http and https servers: a URL goes out byte for byte, and redirects are followed here.

Rules of this file: only what no request line can carry is encoded (blanks, and what is not ASCII).
Credentials of a URL go to its own host alone. Each file and document has a session of its own:
cookies, connections and what DNS answered are shared with nobody.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote, urljoin

import aiohttp
from aiohttp.client import URL  # type: ignore[attr-defined]  # what aiohttp takes; yarl is its own

from floe.model.secret import without_password
from floe.nodes.partial_file import DownloadRefused

CONNECT_S: Final = 30.0
"""Seconds to connect to a server."""
HTTP_SILENCE_S: Final = 60.0
"""Seconds in which a server must send something."""
REDIRECTS_MAX: Final = 10
REDIRECTS: Final = (301, 302, 303, 307, 308)

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNSENT: Final = re.compile(r"[^\x21-\x7e]+")
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart for a request."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, as it is sent."""
    user: str
    """Name and password, as aiohttp is given them; empty for none."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL. Raises DownloadRefused for what no server can be asked for."""
        text = url.strip(" ")
        if _CONTROL.search(text):
            raise DownloadRefused("the url has a line break or another control character in it")
        scheme = text.partition(":")[0].lower()
        if scheme not in _PORTS:
            raise DownloadRefused("only http and https are fetched")
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
                host.encode("idna")  # as the look-up does, whose error would be nobody's
        except ValueError as error:
            raise DownloadRefused(f"the url has no good host: {error}") from None
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
        """As aiohttp is given it: its path and query stay as they are."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        authority = f"{user}@{self.host}{port}" if user else self.host + port
        return URL.build(scheme=self.scheme, authority=authority, path=self.path, encoded=True)

    def beside(self, location: str) -> str:
        """The URL that a redirect from here means; only a relative path is put together anew.

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

    def may_know(self, before: "Target") -> bool:
        """Whether credentials for another target may be sent here: its host, not less safe."""
        is_safer = (before.scheme, before.port, self.scheme, self.port) == (
            "http",
            80,
            "https",
            443,
        )
        place = (self.scheme, self.port) == (before.scheme, before.port)
        return self.host == before.host and (place or is_safer)


def _user(text: str) -> str:
    """Name and password of a URL, which aiohttp sends as latin-1, so that they go out as UTF-8."""
    name, colon, password = (
        unquote(part).encode(errors="surrogateescape").decode("latin-1")
        for part in text.partition(":")
    )
    if ":" in name:
        raise DownloadRefused("the url has a user with a colon, which no server can be sent")
    return quote(name, safe="") + colon + quote(password, safe="")


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="surrogateescape"))


@asynccontextmanager
async def get(
    session: aiohttp.ClientSession,
    url: str,
    say: Callable[[str], None] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer of a server after redirects, its body still to be read.

    Each redirect is told to `say`. Raises DownloadRefused, aiohttp.ClientError, TimeoutError.
    """
    target = Target.parse(url)
    user = target.user
    for _ in range(REDIRECTS_MAX + 1):
        async with session.get(
            target.url(user), headers=headers, allow_redirects=False
        ) as response:
            if response.status not in REDIRECTS:
                yield response
                return
            location = response.headers.get("Location", "").strip()
            if not location:
                raise DownloadRefused(
                    f"the server redirects ({response.status}) and does not say where"
                )
            there = target.beside(location)
            say(f"{response.status}: redirected to {printable(there)}")
            before, target = target, Target.parse(there)
            if (before.scheme, target.scheme) == ("https", "http"):
                say("from https to http: whoever is on the way can read and change the file")
            user = target.user or (user if target.may_know(before) else "")
    raise DownloadRefused(f"more than {REDIRECTS_MAX} redirects")


def session(*, total_s: float | None = None, is_raw: bool = True) -> aiohttp.ClientSession:
    """A session for one file; `is_raw`: as the server has it, not decompressed.

    Proxies and `.netrc` are those of floe's own environment.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(
            total=total_s, sock_connect=CONNECT_S, sock_read=HTTP_SILENCE_S
        ),
        headers={"Accept-Encoding": "identity"} if is_raw else None,
        auto_decompress=not is_raw,
        trust_env=True,
    )


def printable(url: str) -> str:
    """A URL as it may be printed: a signed one is a password, too."""
    return without_password(re.split(r"[?#]", url, maxsplit=1)[0])


def status_text(response: aiohttp.ClientResponse) -> str:
    """The status of an answer in words."""
    return f"{response.status} {response.reason or ''}".strip()
