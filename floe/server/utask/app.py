"""uTask's API over HTTP, below a path of a host or at an address of its own."""

from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from floe.model.codec import to_text
from floe.model.errors import Denied, FloeError, TooLarge
from floe.server.app_keys import AUTH, HUB, PEERS, STRANGERS
from floe.server.auth import Auth
from floe.server.bodies import expect_body, raw_body
from floe.server.connection import Connection, protect
from floe.server.go_yaml_text import YAML, yaml_text
from floe.server.masked_replies import mask_replies
from floe.server.problems import Handler, status_of
from floe.server.utask.access import CHALLENGE, user_of
from floe.server.utask.calls import PLAIN, UtaskCall, UtaskReply, UtaskUser
from floe.server.utask.dispatch import NO_PAGE, answered
from floe.server.utask.routes import OPEN, found_route
from floe.server.utask.site import UTASK_SITE, UtaskSite
from floe.server.waits import Strangers

log = structlog.get_logger()

BELOW: Final = "/utask"
"""The path of the API at the addresses of a host."""

BODY_MAX: Final = 256 * 1024
"""Bytes of a request's body."""

CALLS_MAX: Final = 1024
"""Bodies that are read at once at an address of its own."""

JSON: Final = "application/json; charset=utf-8"

PREFIX: Final = web.AppKey("utask_prefix", str)
"""The path before every route; empty at an address of its own."""


def add_utask(app: web.Application) -> tuple[UtaskSite, list[web.AbstractRoute]]:
    """Serve the API below a path of a host's application. It checks credentials itself."""
    site = UtaskSite(app[HUB], app.get(PEERS))
    below = _application(site, app[AUTH], BELOW, [])
    app.add_subapp(BELOW, below)
    return site, [*below.router.routes()]


def utask_application(site: UtaskSite, auth: Auth) -> web.Application:
    """The API at the root of an address of its own."""
    app = _application(site, auth, "", [_heard, mask_replies])
    app.on_response_prepare.append(_protect_response)
    return app


def _application(
    site: UtaskSite, auth: Auth, prefix: str, middlewares: list[Middleware]
) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app[UTASK_SITE] = site
    app[HUB] = site.hub
    app[AUTH] = auth
    app[PREFIX] = prefix
    app[STRANGERS] = Strangers(CALLS_MAX)
    app.router.add_route("*", "/{path:.*}", _answer, expect_handler=expect_body)
    return app


async def _answer(request: web.Request) -> web.Response:
    """The answer to any request."""
    path = request.rel_url.raw_path.removeprefix(request.app[PREFIX]) or "/"
    if found_route(request.method, path) is None:
        return _written(request, NO_PAGE)
    try:
        user = UtaskUser("") if path.startswith(OPEN) else await user_of(request)
        call = UtaskCall(
            site=request.app[UTASK_SITE],
            user=user,
            method=request.method,
            path=path,
            query_text=request.rel_url.raw_query_string,
            prefix=request.app[PREFIX],
            content=await raw_body(request, BODY_MAX),
        )
    except Denied:
        return _written(request, UtaskReply(401, text="", headers=CHALLENGE))
    except TooLarge:
        what = "binding error: error parsing request body: http: request body too large"
        return _written(request, UtaskReply(400, {"error": what}))
    except FloeError as error:
        return _written(request, UtaskReply(status_of(error), {"error": str(error)}))
    return _written(request, await answered(call))


def _written(request: web.Request, reply: UtaskReply) -> web.Response:
    """An answer as HTTP has it; YAML for a client that prefers that."""
    if reply.text is not None or reply.shape is None:
        headers = {"Content-Type": PLAIN, **reply.headers}
        return web.Response(status=reply.status, body=(reply.text or "").encode(), headers=headers)
    masks = request.app[HUB].reads.masks()
    shape = masks.json(reply.shape) if masks else reply.shape
    is_yaml = prefers_yaml(request.headers.get("Accept", ""))
    text = yaml_text(shape) if is_yaml else to_text(shape)
    return web.Response(
        status=reply.status,
        body=text.encode(errors="backslashreplace"),
        headers={"Content-Type": YAML if is_yaml else JSON, **reply.headers},
    )


def prefers_yaml(accept: str) -> bool:
    """Whether YAML is accepted, and JSON is not, or after it."""
    kinds = [one.partition(";")[0].strip() for one in accept.split(",")]
    if YAML not in kinds:
        return False
    json = "application/json"
    return json not in kinds or kinds.index(YAML) < kinds.index(json)


@web.middleware
async def _heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, Connection):
        request.protocol.asked()
    return await handler(request)


async def _protect_response(_: web.Request, response: web.StreamResponse) -> None:
    protect(response)
