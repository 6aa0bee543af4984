"""The route of uTask by which a host sends a call to a different one."""

from typing import Final

from aiohttp import web

from floe.server.route import Route
from floe.server.utask.site import PEER_PATH


async def serve(request: web.Request) -> web.Response:
    """The answer to a call of a client of a different host, about a run that is here."""
    from floe.server.utask import dispatch  # most hosts never need it

    return await dispatch.serve(request)


UTASK_PEER_ROUTES: Final = (
    Route("PUT", PEER_PATH, serve, peer=True, body="Payload", answers={200: "*/*"}),
)
