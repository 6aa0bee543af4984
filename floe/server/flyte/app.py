"""The routes of flyte's API, below a path of a host or at an address of their own."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from floe.dialects.flyte.compiled import DIALECT, READY
from floe.model.errors import World
from floe.server.app_keys import HUB, PEERS, SETTINGS, STRANGERS
from floe.server.bodies import expect_body
from floe.server.connection import Connection, protect
from floe.server.flyte import audit, events, flows, info, items, packs
from floe.server.flyte.bodies import answer_flyte_errors
from floe.server.flyte.links import PREFIX
from floe.server.flyte.policy import FlyteAccess
from floe.server.flyte.site import FLYTE_SITE, FlyteSite
from floe.server.masked_replies import mask_replies
from floe.server.problems import Handler
from floe.server.waits import Strangers

BELOW: Final = "/flyte"
"""The path of the API at the addresses of a host."""

CALLS_MAX: Final = 1024
"""Bodies that are read at once at an address of its own."""

FLYTE_ROUTES: Final = (
    web.get("/", info.index),
    web.get("/health", info.health),
    web.get("/v1", info.v1),
    web.get("/v1/swagger", info.swagger),
    web.post("/v1/packs", packs.register),
    web.get("/v1/packs", packs.index),
    web.get("/v1/packs/{pack:[^/]+}", packs.show),
    web.delete("/v1/packs/{pack:[^/]+}", packs.delete),
    web.post("/v1/packs/{pack:[^/]+}/events", events.post),
    web.post("/v1/packs/{pack:[^/]+}/actions/take", events.take),
    web.post("/v1/packs/{pack:[^/]+}/actions/{action:[^/]+}/result", events.result),
    web.post("/v1/flows", flows.post),
    web.get("/v1/flows", flows.index),
    web.get("/v1/flows/{flow:[^/]+}", flows.show),
    web.delete("/v1/flows/{flow:[^/]+}", flows.delete),
    web.get("/v1/datastore", items.index),
    web.put("/v1/datastore/{item:[^/]+}", items.put),
    web.get("/v1/datastore/{item:[^/]+}", items.show),
    web.delete("/v1/datastore/{item:[^/]+}", items.delete),
    web.get("/v1/audit/flows", audit.index),
    web.get("/v1/audit/flows/{correlation:[^/]+}", audit.show),
)


def add_flyte(app: web.Application) -> FlyteSite:
    """Serve the API below a path of a host's application, for callers with floe's credentials."""
    site = FlyteSite(app[HUB], app.get(PEERS))
    app.add_subapp(BELOW, _application(site, BELOW, [answer_flyte_errors]))
    remove_s = app[SETTINGS].remove_packs_s
    watch = functools.partial(site.watch, remove_s)
    app.cleanup_ctx.append(lambda _: _kept(site, "packs and flows of flyte", watch))
    return site


async def flyte_application(site: FlyteSite, access: FlyteAccess | None) -> web.Application:
    """The API at the root of an address of its own. Without `access` each caller that reaches it
    may use it. Raises World if the keys of the issuer cannot be read.

    It is there once the evaluator processes have started: clients look for the action of their
    first event 100 ms after it.
    """
    async with asyncio.TaskGroup() as tasks:
        for _ in range(site.hub.reads.counts().evaluators.most):
            tasks.create_task(_load_evaluator(site))
    middlewares: list[Middleware] = [_heard, mask_replies, answer_flyte_errors]
    if access is None:
        return _application(site, "", middlewares)
    from floe.server.flyte.access import access_by  # their library takes a moment to import
    from floe.server.flyte.tokens import IssuerKeys

    keys = IssuerKeys(access.issuer)
    await keys.open()
    middlewares.insert(1, access_by(access.policy, keys))
    app = _application(site, "", middlewares)
    app.cleanup_ctx.append(lambda _: _kept(site, "keys of flyte's issuer", keys.watch))
    return app


async def _load_evaluator(site: FlyteSite) -> None:
    """Have an evaluator process ready that has no other work. One that fails is a problem of the
    host, which shows it."""
    with suppress(World):
        await site.hub.people.judge_text(DIALECT, READY, None)


def _application(site: FlyteSite, prefix: str, middlewares: list[Middleware]) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app[FLYTE_SITE] = site
    app[PREFIX] = prefix
    app[HUB] = site.hub
    app[STRANGERS] = Strangers(CALLS_MAX)
    for route in FLYTE_ROUTES:
        options = {**route.kwargs, "expect_handler": expect_body}
        app.router.add_routes([web.RouteDef(route.method, route.path, route.handler, options)])
    if not prefix:
        app.on_response_prepare.append(_protect_response)
    return app


async def _kept(
    site: FlyteSite, name: str, work: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Keep doing some work until the server stops."""
    task = site.hub.keep(name, work)
    yield
    task.cancel()


@web.middleware
async def _heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count a connection among those of known clients once it was answered well."""
    connection = request.protocol if isinstance(request.protocol, Connection) else None
    if connection is not None:
        connection.asked()
    response = await handler(request)
    if connection is not None and response.status < web.HTTPBadRequest.status_code:
        connection.let_in()
    return response


async def _protect_response(_: web.Request, response: web.StreamResponse) -> None:
    protect(response)
