"""The middleware that refuses requests without credentials."""

from aiohttp import web

from floe.peers.base import TOKEN
from floe.server.app_keys import AUTH, CALLER, FOR_HOSTS, PEER_AUTH, PUBLIC
from floe.server.connection import Connection
from floe.server.problems import Handler


@web.middleware
async def check_credentials(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests without credentials, also for unknown addresses.

    For an unknown address the cluster's token is enough: the calling host has a wrong path in its
    URL and must be told so.
    """
    connection = request.protocol if isinstance(request.protocol, Connection) else None
    if connection is not None:
        connection.asked()
    route = request.match_info.route
    is_nothing = request.match_info.http_exception is not None
    if route in request.app[FOR_HOSTS] or (is_nothing and TOKEN in request.headers):
        request.app[PEER_AUTH].admit(request)
    elif route not in request.app[PUBLIC]:
        request[CALLER] = await request.app[AUTH].caller(request)
    else:
        connection = None  # the caller of a public route stays unknown
    if connection is not None:
        connection.let_in()
    return await handler(request)
