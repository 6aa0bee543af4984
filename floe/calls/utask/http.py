"""The action `http`: one request, whose reply is the output."""

import asyncio
import json
import re
import ssl
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit
from xml.parsers import expat

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.calls.utask.go_texts import bool_in, json_in, seconds_in
from floe.calls.utask.key_files import in_memory
from floe.model.errors import Yours
from floe.model.ids import Json
from floe.model.secret import is_secret_name
from floe.nodes.exchange import HttpRequest, NoLog, reply_to, target_of
from floe.nodes.forbidden import ForbiddenAddresses
from floe.nodes.http import REDIRECTS_MAX
from floe.nodes.logged_attempts import ExchangeFailed
from floe.nodes.replies import HttpReply
from floe.trust import certificates

TIMEOUT_S: Final = 30.0
BODY_BYTES_MAX: Final = 2 << 20
"""Bytes of a reply."""

_UNSENT: Final = ("Host", "Content-Length", "Transfer-Encoding", "Connection")
"""Headers that Go's client sets itself, whatever a configuration has."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


AT_ONCE_MAX: Final = 64
"""Requests of a host at once; more wait in order."""


async def http(
    call: ActionCall, forbidden: ForbiddenAddresses, places: asyncio.Semaphore
) -> CameTo:
    """Send the request of a configuration, when a place is free."""
    request, trusted = _request(call), await asyncio.to_thread(_trusted, call)
    try:
        async with places:
            reply = await reply_to(request, trusted, forbidden, NoLog())
    except ExchangeFailed as error:
        raise ServerError(f"can't do HTTP request: {error}") from None
    return _judged(reply, call.text("trim_prefix"))


def http_resources(call: ActionCall) -> Sequence[str]:
    """A socket, and the server of the request."""
    try:
        place = urlsplit(call.text("url") or call.text("host")).netloc
    except ValueError:
        place = ""
    return ("socket", f"url:{place.rpartition('@')[2]}")


def _request(call: ActionCall) -> HttpRequest:
    body = call.text("body")
    headers = _headers(call)
    auth = call.entries("auth")
    if "Content-Type" not in headers and (type_ := _type_of(body)):
        headers["Content-Type"] = type_
    if "Authorization" not in headers and (given := _authorization(auth)):
        headers["Authorization"] = given
    try:
        target = target_of(_url(call))
    except Yours as error:
        raise ServerError(f"failed to create HTTP request: {error}") from None
    private = {name: value for name, value in headers.items() if _is_private(name)}
    for name in private:
        del headers[name]
    digest = _pair(auth.get("digest"))
    return HttpRequest(
        target=target,
        method=call.text("method") or "GET",
        headers={"User-Agent": "floe", "Accept-Encoding": "identity", **headers},
        private=private,
        body=body.encode() if body else None,
        timeout_s=seconds_in(call.text("timeout"), "timeout", TIMEOUT_S),
        redirects=REDIRECTS_MAX if bool_in(call.text("follow_redirect"), "follow_redirect") else 0,
        body_max=BODY_BYTES_MAX,
        digest=digest,
    )


def _is_private(name: str) -> bool:
    return name in ("Authorization", "Cookie") or is_secret_name(name)


def _headers(call: ActionCall) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in _named_values(call, "headers"):
        if (known := canonical(name)) not in _UNSENT:
            headers[known] = value
    return headers


def _named_values(call: ActionCall, key: str) -> Iterable[tuple[str, str]]:
    for item in call.items(key):
        if isinstance(item, Mapping):
            named = {key.lower(): value for key, value in item.items()}
            yield str(named.get("name") or ""), str(named.get("value") or "")


def _url(call: ActionCall) -> str:
    """The URL with all parameters, its query encoded again in the order of their names."""
    url, host = call.text("url"), call.text("host")
    try:
        if not url:
            base, path = urlsplit(host), urlsplit(call.text("path"))
            at = path.path if path.path.startswith("/") else f"/{path.path}"
            parts = base._replace(path=at, query=path.query)
        else:
            parts = urlsplit(url)
    except ValueError as error:
        raise ServerError(f"failed to create HTTP request: {error}") from None
    known = [part for part in parts.query.split("&") if ";" not in part]
    pairs = parse_qsl("&".join(p for p in known if not _BAD_ESCAPE.search(p)), True)
    pairs += _named_values(call, "query_parameters")
    pairs.sort(key=lambda pair: pair[0])
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    return urlunsplit(parts._replace(query=query, fragment=""))


def _authorization(auth: Mapping[str, Json]) -> str:
    if pair := _pair(auth.get("basic")):
        return f"Basic {b64encode(':'.join(pair).encode()).decode()}"
    bearer = auth.get("bearer")
    return f"Bearer {bearer}" if bearer else ""


def _pair(part: Json) -> tuple[str, str] | None:
    """User and password."""
    if not isinstance(part, Mapping):
        return None
    named = {key.lower(): value for key, value in part.items()}
    return str(named.get("user") or ""), str(named.get("password") or "")


def _type_of(body: str) -> str:
    """The type of a body by its text: JSON, XML, or empty for neither."""
    if not body:
        return ""
    try:
        json.JSONDecoder().raw_decode(body.lstrip(" \t\r\n"))
    except (ValueError, RecursionError):
        return "application/xml" if _is_xml(body) else ""
    return "application/json"


def _is_xml(text: str) -> bool:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("a document that defines entities is not read")

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.strip(), True)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _trusted(call: ActionCall) -> ssl.SSLContext:
    """The checks of the server's certificate, and the own certificate."""
    own, root = call.entries("auth").get("mutual_tls"), call.text("root_ca")
    is_blind = bool_in(call.text("insecure_skip_verify"), "insecure_skip_verify")
    if not (own or root or is_blind):
        return certificates()
    context = ssl.create_default_context()
    try:
        if root:
            context.load_verify_locations(cadata=root)
        if isinstance(own, Mapping):
            pem = f"{own.get('client_cert')}\n{own.get('client_key')}\n"
            with in_memory(pem) as path:
                context.load_cert_chain(path)
    except (OSError, ValueError) as error:  # ssl.SSLError is one
        raise ServerError(f"a certificate or its key cannot be used: {error}") from None
    if is_blind:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _judged(reply: HttpReply, prefix: str) -> CameTo:
    """What a reply comes to. Raises ClientError, ServerError."""
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    for name, value in reply.fields:
        headers.setdefault(canonical(name), value)
        if name.lower() == "set-cookie":
            cookie, _, text = value.partition(";")[0].partition("=")
            if _TOKEN.fullmatch(cookie.strip()):
                cookies[cookie.strip()] = text.strip().strip('"')
    metadata: Json = {"HTTPStatus": reply.status, "HTTPHeaders": headers, "HTTPCookies": cookies}
    text = reply.body.decode(errors="replace")
    body = text.removeprefix(prefix)
    output: Json = body
    if headers.get("Content-Type", "").partition(";")[0] == "application/json" and body:
        try:
            output = json_in(body)
        except (ValueError, RecursionError) as error:
            raise ServerError(f"can't unmarshal body: {error}", CameTo(metadata=metadata)) from None
    came_to = CameTo(output=output, metadata=metadata)
    if 200 <= reply.status < 300:
        return came_to
    why = f"failed api request: {reply.status}: {text}"
    if 400 <= reply.status < 500:
        raise ClientError(f"Client error: {why}", came_to)
    raise ServerError(why, came_to)


def canonical(name: str) -> str:
    """The name of a header as Go writes it: `x-multi` is `X-Multi`."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
