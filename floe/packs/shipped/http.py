"""The pack `Http`: it sends a request, and gives the answer, within what its configuration allows.

A flow gets addresses from strangers, and the pack stands inside a network. So it reaches public
addresses only, unless the configuration names the networks inside, and looks at each redirect too.
"""

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from floe.packs.connections import Unanswered, in_thread
from floe.packs.events import Event
from floe.packs.pack import Pack
from floe.packs.shipped.configuration import WrongSetting, check_line, configured, start
from floe.packs.shipped.outgoing import WebAnswer, WebRequest, ask

REDIRECTS: Final = (301, 302, 303, 307, 308)
AS_GET: Final = (301, 302, 303)
"""Redirects after which a request has no body any more."""
OWN: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
"""Headers that the pack sets: others would have a server see a different request."""
HARMLESS: Final = frozenset({"accept", "accept-language", "user-agent"})
"""The headers that a redirect to a different server keeps; the rest may be secrets."""
EMBEDDING: Final = ip_network("64:ff9b::/96")
"""Addresses of IPv6 that a translator turns into those of IPv4."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class HttpSettings:
    """Settings of the pack, by variables that begin with HTTP_, or by HTTP_CONFIG."""

    hosts: list[str] = field(default_factory=list)
    """Names of servers, such as `api.example.org` or `*.example.org`; none for all."""
    private: list[str] = field(default_factory=list)
    """Networks that requests may reach although they are not public: `10.1.0.0/16`."""
    methods: list[str] = field(
        default_factory=lambda: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    )
    headers: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    """Headers that requests to a server get, by its name: a token is then in no flow."""
    timeout_s: float = 30
    """The longest time of a request with its redirects; an input may have a shorter one."""
    body_bytes: int = 262_144
    """How much of an answer is kept: a host takes 2 MiB of JSON, and a byte may become six."""
    redirects: int = 5
    """How many redirects are followed."""


@dataclass(frozen=True)
class HttpInput:
    """The input of Request."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """A text is sent as it is, and anything else as JSON."""
    timeout_s: float | None = None


class NotReached(Exception):
    """A request that is not allowed; the text has the reason."""


def http_pack(environment: Mapping[str, str] = os.environ) -> Pack:
    """The pack, with the settings of an environment. Raises WrongSetting."""
    client = HttpClient(configured(HttpSettings, "HTTP", environment))
    pack = Pack(environment.get("PACK_NAME", "") or "Http")

    @pack.command("Request", "Response", "RequestFailed")
    async def request(given: HttpInput) -> Event:
        try:
            return Event("Response", await in_thread(lambda: client.carry_out(given)))
        except (NotReached, Unanswered, ValueError) as error:
            return Event("RequestFailed", {"url": given.url, "error": str(error)})

    return pack


def main() -> None:
    """Run the pack until it is stopped."""
    start(http_pack)


class HttpClient:
    """Sends requests within the settings."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._hosts = [_host("HTTP_HOSTS", host) for host in settings.hosts]
        self._headers = {
            _host("HTTP_CONFIG: headers", host): headers
            for host, headers in settings.headers.items()
        }
        for host, headers in settings.headers.items():
            for name, value in headers.items():
                check_line(f"HTTP_CONFIG: headers.{host}.{name}", value)
        try:
            self._private: list[Network] = [ip_network(one) for one in settings.private]
        except ValueError as error:
            raise WrongSetting(f"HTTP_PRIVATE: {error}") from error

    def carry_out(self, given: HttpInput) -> dict[str, Any]:
        """The payload for a request. Raises NotReached, Unanswered, and ValueError for no URL."""
        settings = self._settings
        if given.method not in settings.methods:
            raise NotReached(f"the method {given.method!r} is not one of {settings.methods}")
        if wrong := [name for name in given.headers if name.lower() in OWN]:
            raise NotReached(f"the pack sets the header {wrong[0]} itself")
        deadline = time.monotonic() + min(settings.timeout_s, given.timeout_s or settings.timeout_s)
        request = WebRequest(given.method, given.url, given.headers, None)
        request = replace(request, **_body(given))
        for _ in range(settings.redirects + 1):
            left = max(0.001, deadline - time.monotonic())
            answer = self._answer(replace(request, timeout_s=left))
            location = answer.headers.get("location", "")
            if answer.status not in REDIRECTS or not location:
                return _payload(request.url, answer)
            request = _redirected(request, answer.status, urljoin(request.url, location))
        raise NotReached(f"there are more than {settings.redirects} redirects")

    def _answer(self, request: WebRequest) -> WebAnswer:
        parts = urlsplit(request.url)
        host = (parts.hostname or "").rstrip(".")
        if parts.username or parts.password:
            raise NotReached("the URL has a user or password; use the header Authorization")
        if self._hosts and not any(_is_host(host, one) for one in self._hosts):
            raise NotReached(f"{host} is none of HTTP_HOSTS")
        own = self._headers.get(host, {})
        headers = {"User-Agent": "floe", "Accept": "*/*", **request.headers, **own}
        return ask(
            replace(request, headers=headers),
            allowed=self._allow,
            bytes_max=self._settings.body_bytes,
        )

    def _allow(self, text: str) -> None:
        """Raise NotReached for an address that is not public, unless the settings have it."""
        address = ip_address(text.partition("%")[0])
        inner = _inner(address) if isinstance(address, IPv6Address) else None
        address = inner or address
        if any(address in network for network in self._private):
            return
        if not address.is_global or address.is_multicast:
            raise NotReached(f"{text} is no public address: HTTP_PRIVATE allows networks")


def _inner(address: IPv6Address) -> Any:
    """The address of IPv4 that one of IPv6 stands for."""
    if address in EMBEDDING:
        return ip_address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def _host(name: str, text: str) -> str:
    """The name of a server as requests have it. Raises WrongSetting: it would match none."""
    host = text.lower().rstrip(".")
    if not re.fullmatch(r"(\*\.)?[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*", host) or host.count(":") == 1:
        raise WrongSetting(f"{name}: {text!r} is no name of a server, such as api.example.org")
    return host


def _is_host(host: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return host.endswith(allowed[1:])
    return host == allowed


def _body(given: HttpInput) -> dict[str, Any]:
    """Body and headers of the request for an input."""
    if given.body is None or isinstance(given.body, str):
        return {"body": given.body.encode() if given.body else None}
    named = {name.lower() for name in given.headers}
    kind = {} if "content-type" in named else {"Content-Type": "application/json"}
    return {"body": json.dumps(given.body).encode(), "headers": {**kind, **given.headers}}


def _redirected(request: WebRequest, status: int, url: str) -> WebRequest:
    """The request that follows a redirect. Raises NotReached."""
    method, body, headers = request.method, request.body, dict(request.headers)
    if status in AS_GET and method != "HEAD":
        method, body = "GET", None
        headers = {k: v for k, v in headers.items() if not k.lower().startswith("content-")}
    if _origin(url) != _origin(request.url):
        if body:
            raise NotReached(f"a redirect leads to a different server, {urlsplit(url).hostname}")
        headers = {k: v for k, v in headers.items() if k.lower() in HARMLESS}
    return replace(request, method=method, url=url, body=body, headers=headers)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _payload(url: str, answer: WebAnswer) -> dict[str, Any]:
    is_json = "json" in answer.headers.get("content-type", "") and not answer.is_cut
    return {
        "url": url,
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body.decode(errors="replace"),
        "json": _json(answer.body) if is_json else None,
        "cut": answer.is_cut,
    }


def _json(body: bytes) -> Any:
    """The JSON of a body; None for a body that is none, or that no event can have."""
    try:
        found = json.loads(body)
        json.dumps(found, allow_nan=False)  # Python reads NaN, and 1e999 as infinity
    except (ValueError, RecursionError):
        return None
    return found


if __name__ == "__main__":
    main()
