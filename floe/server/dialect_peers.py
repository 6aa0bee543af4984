"""The routes by which hosts ask one another about runs of dialects that have APIs of their own."""

from typing import Final

from floe.server.flyte.peer_routes import FLYTE_PEER_ROUTES
from floe.server.utask.peer_routes import UTASK_PEER_ROUTES

DIALECT_PEER_ROUTES: Final = (*FLYTE_PEER_ROUTES, *UTASK_PEER_ROUTES)
