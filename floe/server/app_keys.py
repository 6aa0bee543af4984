"""Keys of the application and of a request for the objects that handlers need."""

import asyncio
from typing import Final

from aiohttp import web

from floe.hub.hub import Hub
from floe.peers.base import Peers
from floe.server.auth import Auth, Caller
from floe.server.lines import LineMarks
from floe.server.peer_auth import PeerAuth
from floe.server.route import Route
from floe.server.settings import ServerSettings
from floe.server.waits import OpenWaits, Strangers
from floe.server.webapp import Webapp

HUB: Final = web.AppKey("hub", Hub)
SETTINGS: Final = web.AppKey("settings", ServerSettings)
AUTH: Final = web.AppKey("auth", Auth)
WEBAPP: Final = web.AppKey("webapp", Webapp)
MARKS: Final = web.AppKey("marks", LineMarks)
PEERS: Final = web.AppKey("peers", Peers)
"""The other hosts; absent on a single host."""
PEER_AUTH: Final = web.AppKey("peer_auth", PeerAuth)
STOPPING: Final = web.AppKey("stopping", asyncio.Event)
"""Set when the server stops: streams end then."""
FEEDS: Final = web.AppKey("feeds", OpenWaits)
"""The open feeds."""
STRANGERS: Final = web.AppKey("strangers", Strangers)
"""Request bodies being read without credentials."""
CALLER: Final = web.RequestKey("caller", Caller)
"""The caller; on every route that is not public."""
BODY: Final = web.RequestKey("body", bytes)
"""The body, where it was read before the handler that reads it."""
ROUTES_OF: Final[web.AppKey[tuple[Route, ...]]] = web.AppKey("routes", tuple)
"""The table of routes of this application."""
PUBLIC: Final = web.AppKey("public", frozenset)
"""The routes without credentials."""
FOR_HOSTS: Final = web.AppKey("for_hosts", frozenset)
"""The routes for other hosts."""
