"""uTask's API over HTTP, below a path of a host or at an address of its own.

What answers it is imported for the first call: most hosts never have one.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from floe.server.app_keys import AUTH, HUB, PEERS, STRANGERS
from floe.server.auth import Auth
from floe.server.bodies import expect_body
from floe.server.connection import Connection, protect
from floe.server.masked_replies import mask_replies
from floe.server.problems import Handler
from floe.server.utask.site import PREFIX, UTASK_SITE, UtaskSite
from floe.server.waits import Strangers

BELOW: Final = "/utask"
"""The path of the API at the addresses of a host."""

CALLS_MAX: Final = 1024
"""Bodies that are read at once at an address of its own."""


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
    from floe.server.utask.answers import answer_call

    return await answer_call(request)


@web.middleware
async def _heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, Connection):
        request.protocol.asked()
    return await handler(request)


async def _protect_response(_: web.Request, response: web.StreamResponse) -> None:
    protect(response)
