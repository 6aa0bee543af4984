"""The site whose page sent a request: only a page of floe may use a session."""

import hmac
from hashlib import sha256
from typing import Final

from aiohttp import web

from floe.model.errors import Forbidden
from floe.server.proxy import DEFAULT_PORTS, HOST
from floe.server.token import COOKIE

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

FOREIGN: Final = "this request comes from a page of a different site"

FOREIGN_HINT: Final = (
    "send Origin as the server's own; a proxy in front passes Host on with its port, "
    "or is one of `trusted-proxies` and sends X-Forwarded-Host"
)


def check_origin(request: web.Request) -> None:
    """Refuse requests from a page of a different site. Raises Forbidden.

    The browser's Sec-Fetch-Site is decisive, because a page cannot write that header and no proxy
    changes it; so is the page's key. Without both (an older browser, plain http, a websocket)
    Origin has to name the server. A proxy that terminates TLS turns the request of an https page
    into http, so the scheme counts only if the request is secure.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin" or _has_page_key(request):
        return
    if site and request.method not in SAFE:  # for websockets, browsers send different values
        raise Forbidden(FOREIGN, FOREIGN_HINT)
    origin = request.headers.get("Origin", "").lower()
    schemes = ("https",) if request.secure else ("http", "https")
    if not any(is_same_origin(origin, scheme, request.host) for scheme in schemes):
        raise Forbidden(FOREIGN, FOREIGN_HINT)


def page_key(request: web.Request) -> str:
    """A key that only a page of this origin can read; empty without a session.

    For the feed: browsers send no Sec-Fetch-Site with a websocket, and the Host that arrives may
    lack the port, or be the proxy's own name for this server.
    """
    session = request.cookies.get(COOKIE, "")
    return sha256(b"page " + session.encode(errors="replace")).hexdigest() if session else ""


def _has_page_key(request: web.Request) -> bool:
    key, given = page_key(request), request.query.get("page", "")
    return bool(key) and hmac.compare_digest(key.encode(), given.encode(errors="replace"))


def is_same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether an Origin names the server that received the request.

    The port counts; a scheme's default port may be written or omitted.
    """
    if not origin.startswith(f"{scheme}://"):
        return False
    page = _authority(origin.removeprefix(f"{scheme}://"), scheme)
    return page is not None and page == _authority(host, scheme)


def _authority(text: str, scheme: str) -> tuple[str, int] | None:
    found = HOST.fullmatch(text)
    return (found[1].lower(), int(found[2] or DEFAULT_PORTS[scheme])) if found else None
