"""Sends a request and receives its reply, within limits of time and size.

Rules of this file: a URL is sent byte for byte; each request has a session of its own, so that
none shares cookies or connections, and aiohttp never sends one a second time by itself. An address
is judged when the connection is made. Credentials and secrets go to the first server only.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.helpers import get_env_proxy_for_url

from floe.model.errors import World, Yours
from floe.model.http import BodyType, Http, HttpHeader, is_among
from floe.model.nouns import dataclass, replace
from floe.model.secret import is_secret_name
from floe.model.secret_name import SecretName
from floe.model.template import Template, data_of
from floe.nodes.base import Secrets
from floe.nodes.connection_faults import connection_fault
from floe.nodes.forbidden import AddressGuard, ForbiddenAddresses
from floe.nodes.http import REDIRECTS, HttpTarget, printable, status_text
from floe.nodes.logged_attempts import ExchangeFailed
from floe.nodes.partial_file import DownloadRefused
from floe.nodes.replies import HttpReply
from floe.trust import certificates

RESENDS_MAX: Final = 5
"""How often an attempt sends its request again, for `retry-on`."""

RETRY_AFTER_MAX_S: Final = 60.0
"""The longest `Retry-After` that is obeyed; after a longer one the reply counts."""

_TYPES: Final[Mapping[BodyType, str]] = {
    "text": "text/plain; charset=utf-8",
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
}
_OF_BODY: Final = ("content-type", "content-encoding", "content-language")
"""Headers that a redirect without the body drops."""


pause: Final = asyncio.sleep
"""Waits before a request is sent again; a test replaces it."""


class ExchangeLog(Protocol):
    """The port for a record of an exchange, for people."""

    def line(self, text: str) -> None:
        """A line about it."""
        ...

    def data(self, data: bytes) -> None:
        """A part of the body of the reply, as it arrives."""
        ...


class NoLog:
    """Keeps no record of an exchange."""

    def line(self, text: str) -> None:
        pass

    def data(self, data: bytes) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as it goes to one server, and the limits of its exchange."""

    target: HttpTarget
    method: str
    headers: Mapping[str, str]
    private: Mapping[str, str]
    """Headers that go to the first server only."""
    body: bytes | None
    timeout_s: float | None
    """For the whole exchange."""
    redirects: int
    """How many are followed."""
    body_max: int
    """Bytes of the reply's body."""
    body_max_hint: str = ""
    """The end of the sentence about a larger one."""
    digest: tuple[str, str] | None = None
    """User and password for a server that asks for a digest; the first server only."""


async def exchange(
    work: Http, secrets: Secrets, forbidden: ForbiddenAddresses, log: ExchangeLog
) -> HttpReply:
    """Send a request until its reply is none that `retry-on` names.

    Raises ExchangeFailed without a complete reply, Yours or World if it cannot be sent.
    """
    request = _request(work, secrets)
    trusted = await asyncio.to_thread(_trusted, work)
    reply = await reply_to(request, trusted, forbidden, log)
    for resend in range(RESENDS_MAX):
        wait_s = _wait_s(reply, resend)
        if not is_among(reply.status, work.retry_on) or wait_s is None:
            break
        log.line(f"\nfloe: sending it again in {wait_s:g} s: `retry-on` has {reply.status}")
        await pause(wait_s)
        reply = await reply_to(request, trusted, forbidden, log)
    return reply


def target_of(url: str) -> HttpTarget:
    """The parts of a URL for a request. Raises Yours for one that cannot be requested."""
    try:
        return HttpTarget.parse(url)
    except DownloadRefused as error:
        raise Yours(str(error).replace("can be fetched", "can be requested")) from None


def _request(work: Http, secrets: Secrets) -> HttpRequest:
    target = target_of(data_of(work.url))
    headers = {"User-Agent": "floe", "Accept-Encoding": "identity"}
    if work.body is not None:
        headers["Content-Type"] = _TYPES[work.body_type]
    private = {}
    for header in work.headers:
        _drop(headers, header.name)
        if header.secret:
            private[header.name] = _header_secret(secrets, header.secret.secret)
        elif header.name.lower() == "cookie" or _is_private(header):
            private[header.name] = data_of(header.value)
        else:
            headers[header.name] = data_of(header.value)
    if auth := work.auth:
        if auth.bearer:
            private["Authorization"] = f"Bearer {_header_secret(secrets, auth.bearer.secret)}"
        elif auth.password:
            pair = f"{data_of(auth.user)}:{secrets.value(auth.password.secret).reveal()}"
            private["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        target = replace(target, user="")
    return HttpRequest(
        target=target,
        method=work.method,
        headers=headers,
        private=private,
        body=None if work.body is None else data_of(work.body).encode(),
        timeout_s=work.timeout_s,
        redirects=work.redirects,
        body_max=work.body_max,
        body_max_hint=", see `body-max`",
    )


def _is_private(header: HttpHeader) -> bool:
    """Whether a header may be a credential, by its name or by the values in it."""
    parts = header.value.parts if isinstance(header.value, Template) else ()
    return is_secret_name(header.name) or any(part.is_secret for part in parts)


def _drop(headers: dict[str, str], name: str) -> None:
    for known in [known for known in headers if known.lower() == name.lower()]:
        del headers[known]


def _header_secret(secrets: Secrets, name: SecretName) -> str:
    text = secrets.value(name).reveal().strip("\r\n")
    if not text.isascii() or not text.isprintable():
        raise Yours(f"the secret {name} cannot be sent in a header", "printable ASCII in one line")
    return text


def _trusted(work: Http) -> ssl.SSLContext:
    """The checks of the server's certificate. Blocks. Raises World."""
    if not work.verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if not work.ca_file:
        return certificates()
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(work.ca_file)
    except OSError as error:  # ssl.SSLError is one
        what = f"ca-file {work.ca_file} cannot be used: {error.strerror or error}"
        raise World(what, "a PEM file that floe's user can read") from None
    return context


async def reply_to(
    request: HttpRequest,
    trusted: ssl.SSLContext,
    forbidden: ForbiddenAddresses,
    log: ExchangeLog,
) -> HttpReply:
    """The reply to a request, through redirects, within the time limit. Raises ExchangeFailed."""
    timeout_s, redirects = request.timeout_s, request.redirects
    try:
        async with asyncio.timeout(timeout_s):
            location, reply = await _send(request, trusted, forbidden, log)
            for _ in range(redirects):
                if not location:
                    break
                request = _redirected(request, reply.status, location, log)
                location, reply = await _send(request, trusted, forbidden, log)
    except TimeoutError:
        why = f"{request.target.host} sent no complete reply within {timeout_s:g} s"
        raise ExchangeFailed(why, "timeout") from None
    if location and redirects:
        log.line(f"\nfloe: more than {redirects} redirects are not followed")
    return reply


async def _send(
    request: HttpRequest,
    trusted: ssl.SSLContext,
    forbidden: ForbiddenAddresses,
    log: ExchangeLog,
) -> tuple[str, HttpReply]:
    """Send a request to one server; the target of the redirect that it answers, and the reply."""
    target, guard = request.target, AddressGuard(forbidden)
    proxy = _proxy(target)
    try:
        if proxy:
            guard.check_written(target.host, target.port)
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=trusted, force_close=True, socket_factory=guard.socket
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                middlewares=(aiohttp.DigestAuthMiddleware(*request.digest),)
                if request.digest
                else (),
                skip_auto_headers=("Content-Type",),
            ) as session,
            session.request(
                request.method,
                target.url("" if "Authorization" in request.private else target.user),
                headers={**request.headers, **request.private},
                data=request.body,
                allow_redirects=False,
                **proxy,
            ) as response,
        ):
            type_ = response.headers.get("Content-Type", "")
            log.line(f"{status_text(response)}{f', {type_}' if type_ else ''}")
            reply = await _received(response, request, log.data)
    except TimeoutError:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ExchangeFailed(guard.fault or f"{target.host}: {connection_fault(error)}") from None
    is_redirect = reply.status in REDIRECTS
    return reply.headers.get("location", "") if is_redirect else "", reply


def _proxy(target: HttpTarget) -> dict[str, Any]:
    """The proxy for a server, by the variables of floe's environment."""
    try:
        proxy, auth = get_env_proxy_for_url(target.url())
    except LookupError:
        return {}
    return {"proxy": proxy, "proxy_auth": auth}


def _redirected(request: HttpRequest, status: int, location: str, log: ExchangeLog) -> HttpRequest:
    """The request for the target of a redirect. Raises ExchangeFailed."""
    before = request.target
    there = before.beside(location)
    try:
        target = HttpTarget.parse(there)
    except DownloadRefused as error:
        why = str(error).replace("can be fetched", "can be requested")
        raise ExchangeFailed(f"{before.host} redirects, and {why}") from None
    log.line(f"\nfloe: redirected to {printable(there)}")
    if not target.may_know(before):
        request = replace(request, private={}, digest=None)
    elif not target.user:
        target = replace(target, user=before.user)
    becomes_get = status == 303 or (status in (301, 302) and request.method == "POST")
    if becomes_get and request.method != "HEAD":
        headers = {n: v for n, v in request.headers.items() if n.lower() not in _OF_BODY}
        request = replace(request, method="GET", headers=headers, body=None)
    return replace(request, target=target)


async def _received(
    response: aiohttp.ClientResponse, request: HttpRequest, write: Callable[[bytes], None]
) -> HttpReply:
    body, bytes_max = bytearray(), request.body_max
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise ExchangeFailed(
                f"the reply has more than {bytes_max} bytes{request.body_max_hint}"
            )
        write(chunk)
    names = dict.fromkeys(name.lower() for name in response.headers)
    return HttpReply(
        status=response.status,
        reason=response.reason or "",
        headers={name: ", ".join(response.headers.getall(name)) for name in names},
        fields=tuple(response.headers.items()),
        body=bytes(body),
    )


def _wait_s(reply: HttpReply, resend: int) -> float | None:
    """How long to wait before the request is sent again; None for longer than is obeyed."""
    asked = reply.headers.get("retry-after", "").strip()
    if not asked:
        return float(2**resend)
    if asked.isascii() and asked.isdigit():
        wait_s = float(asked[:9])
    else:
        try:
            at = parsedate_to_datetime(asked)
            wait_s = max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError):
            return float(2**resend)
    return wait_s if wait_s <= RETRY_AFTER_MAX_S else None
