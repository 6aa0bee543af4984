"""Login and logout, and personal tokens.

Source: floe README, "login"; RFC 6265 for the cookie.
"""

import hmac
from typing import Final

import structlog
from aiohttp import web

from floe.model.errors import Denied, Forbidden
from floe.server.app_keys import AUTH, CALLER, SETTINGS
from floe.server.auth import Caller, header_token, is_from_https
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.idempotency import idempotency_key
from floe.server.origin import page_key
from floe.server.problems import answer
from floe.server.token import COOKIE, USER

log = structlog.get_logger()

LOGIN_BYTES: Final = 8 * 1024
"""Bytes of a login: its sender is unknown."""

NAME_MAX: Final = 63
"""Characters of a personal token's name."""


async def login(request: web.Request) -> web.Response:
    """Open a session, or create a personal token, with a token or with user and password."""
    query(request).done()
    fields = await json_body(request, most=LOGIN_BYTES)
    token, user = fields.text("token"), fields.text("user")
    password, personal = fields.text("password"), fields.text("personal")
    if len(personal) > NAME_MAX or not personal.isprintable():
        fields.wrong("personal", f"a name has up to {NAME_MAX} printable characters")
    fields.done()
    caller = await _caller(request, token or password, user)
    if caller.via:
        raise Forbidden("a login cannot be relayed by a host", "log in at this host directly")
    once, maker = idempotency_key(request, caller.by), caller.shown.maker if caller.shown else ""
    auth = request.app[AUTH]
    if personal:
        text = await auth.tokens.make_personal(personal, once, maker=maker, by=caller.by)
        log.info("auth.token_made", by=caller.by, name=personal)
        return answer({"token": text, "user": personal})
    session_s = request.app[SETTINGS].session_s
    shown = caller.shown
    opener = shown.key if shown and shown.kind == "session" else ""
    text = await auth.tokens.make_session(caller.name, session_s, once, maker=maker, opener=opener)
    log.info("auth.login", by=caller.by, peer=request.remote)
    response = answer({"token": text, "user": caller.name or caller.user})
    _set_cookie(request, response, text, session_s)
    return response


async def _caller(request: web.Request, text: str, user: str) -> Caller:
    auth = request.app[AUTH]
    if not text:
        return await auth.caller(request)  # a logged-in user may create a personal token
    caller = await auth.login(request, text)
    if not hmac.compare_digest((user or USER).encode(errors="replace"), caller.user.encode()):
        raise Denied("wrong credentials")
    return caller


async def who(request: web.Request) -> web.Response:
    """The user who is logged in, by the name of a personal token.

    In a header, the key with which a page of floe opens the feed.
    """
    caller = request[CALLER]
    response = answer({"user": caller.name or caller.user, "by": caller.by})
    response.headers["X-Floe-Page"] = page_key(request)
    return response


async def logout(request: web.Request) -> web.Response:
    """End the session of a login."""
    idempotency_key(request)  # a session ends once, with or without a key
    auth = request.app[AUTH]
    for text in (request.cookies.get(COOKIE, ""), header_token(request)):
        await auth.tokens.end_session(text)
    response = web.Response(status=204)
    _set_cookie(request, response, "", 0)
    return response


def _set_cookie(request: web.Request, response: web.Response, text: str, age_s: int) -> None:
    response.set_cookie(
        COOKIE,
        text,
        max_age=age_s,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=is_from_https(request),
    )
