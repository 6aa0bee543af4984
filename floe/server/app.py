"""The web application of a host, and the server that listens for it."""

import asyncio
import errno
import functools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final, Self

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from floe.hub.hub import Hub
from floe.model.errors import World
from floe.peers.base import Peers
from floe.server.app_keys import (
    AUTH,
    FEEDS,
    FOR_HOSTS,
    HUB,
    MARKS,
    PEER_AUTH,
    PEERS,
    PUBLIC,
    ROUTES_OF,
    SETTINGS,
    STOPPING,
    STRANGERS,
    WEBAPP,
)
from floe.server.auth import Auth
from floe.server.bodies import expect_body
from floe.server.connection import Connection, UnknownConnections, protect
from floe.server.connection_limit import ConnectionLimit, RefusedConnections
from floe.server.credentials import check_credentials
from floe.server.endpoint import Endpoint, endpoint
from floe.server.fan_out import LAST_REPLIES
from floe.server.flyte.app import add_flyte, flyte_application
from floe.server.flyte.site import FLYTE_SITE
from floe.server.lines import LineMarks
from floe.server.masked_replies import mask_replies
from floe.server.peer_auth import PeerAuth
from floe.server.problems import Handler, answer_errors
from floe.server.proxy import Proxies, SentRequest
from floe.server.relay import relayed
from floe.server.routes import ROUTES
from floe.server.settings import Bind, ServerSettings
from floe.server.token_exchange import TokenExchange
from floe.server.tokens import Tokens
from floe.server.utask.app import add_utask, utask_application
from floe.server.utask.site import UTASK_SITE
from floe.server.waits import OpenWaits, Strangers
from floe.server.webapp import Webapp

log = structlog.get_logger()

BACKLOG: Final = 64
"""Connections that may wait to be accepted."""

HANDSHAKE_S: Final = 10.0
"""Seconds a client may take for the TLS handshake."""

PROXIES: Final = web.AppKey("proxies", Proxies)


def application(hub: Hub, settings: ServerSettings, peers: Peers | None = None) -> web.Application:
    """The application of a server over an open hub. Its only routes are those of the table, and
    those of flyte.

    Without `peers` there are no other hosts, and none may connect.
    """
    app = web.Application(middlewares=[_as_sent, mask_replies, answer_errors, check_credentials])
    tokens = Tokens(hub, settings.admin)
    app[HUB] = hub
    app[SETTINGS] = settings
    app[PROXIES] = Proxies(settings.trusted_proxies)
    app[PEER_AUTH] = PeerAuth(settings, peers)
    app[AUTH] = Auth(tokens, settings, app[PEER_AUTH])
    if peers is not None:
        app[PEERS] = peers
    app[WEBAPP] = Webapp(settings.base_url, settings.dev_webapp)
    app[MARKS] = LineMarks(hub.reads.places, hub.reads.masks)
    app[LAST_REPLIES] = {}
    app[STOPPING] = asyncio.Event()
    app[FEEDS] = OpenWaits()
    app[STRANGERS] = Strangers()
    app[ROUTES_OF] = ROUTES
    public: set[web.AbstractRoute] = set()
    for_hosts: set[web.AbstractRoute] = set()
    for route in ROUTES:
        path = route.at(settings.base_url)
        handler = route.handler
        if "{run}" in route.path:
            handler = relayed(handler, route.more, route.lost)
        added = [app.router.add_route(route.method, path, handler, expect_handler=expect_body)]
        if route.peer:
            for_hosts.update(added)
        if route.public:
            if route.method == "GET":
                added.append(app.router.add_route("HEAD", path, route.handler))
            public.update(added)
    app[FLYTE_SITE] = add_flyte(app)
    app[UTASK_SITE], of_utask = add_utask(app)
    public.update(of_utask)  # it identifies its callers itself
    app[PUBLIC], app[FOR_HOSTS] = frozenset(public), frozenset(for_hosts)
    app.cleanup_ctx.append(_tokens)
    app.on_shutdown.append(_stop_waits)
    app.on_response_prepare.append(_protect_response)
    return app


@web.middleware
async def _as_sent(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Replace the proxy's address by the client's if a trusted proxy sent the request."""
    proxies = request.app[PROXIES]
    if not proxies:
        return await handler(request)
    connected = SentRequest(request.remote or "", request.scheme, request.host)
    seen = proxies.seen(connected, request.headers)
    if seen is not connected:
        request = request.clone(scheme=seen.scheme, host=seen.host, remote=seen.remote)
    return await handler(request)


async def _tokens(app: web.Application) -> AsyncIterator[None]:
    """Open the tokens, and keep them the same as those of the other hosts."""
    tokens = app[AUTH].tokens
    await tokens.open()
    if PEERS not in app:
        yield
        return
    exchange = TokenExchange(tokens, app[PEERS], app[HUB].keep)
    exchange.open()
    yield
    await exchange.close()


async def _stop_waits(app: web.Application) -> None:
    app[AUTH].tokens.stop()


async def _protect_response(_: web.Request, response: web.StreamResponse) -> None:
    protect(response)


class Server:
    """Serves the application at both addresses, the public and the private one, and the APIs of
    flyte and uTask at addresses of their own.

    Use it as `async with`, or call start and stop.
    """

    def __init__(self, hub: Hub, settings: ServerSettings, peers: Peers | None = None) -> None:
        """The hub and the peers must be open until the server has stopped."""
        self._hub = hub
        self._peers = peers
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self._own_runners: list[web.AppRunner] = []
        self._listeners: list[asyncio.Server] = []
        self._crowd = UnknownConnections()
        self.urls: tuple[str, ...] = ()
        """Its URLs, the public one first; known after `start`."""
        self.flyte_url = ""
        """The URL of the address that serves flyte's API alone; empty without one."""
        self.utask_url = ""
        """The same for uTask's API."""

    async def start(self) -> None:
        """Listen at all addresses of the application or at none. Raises Yours or World."""
        settings = self._settings
        binds = [settings.public, *([settings.private] if settings.private else [])]
        endpoints = [endpoint(bind, insecure=settings.insecure) for bind in binds]
        app = application(self._hub, settings, self._peers)
        self._runner = web.AppRunner(app, shutdown_timeout=settings.stop_s)
        asyncio.get_running_loop().set_exception_handler(RefusedConnections())
        try:
            await self._runner.setup()
            # First, so that a host which says that it is ready serves there, too.
            if settings.flyte:
                flyte = await flyte_application(app[FLYTE_SITE], settings.flyte_access)
                self.flyte_url = await self._serve_alone(flyte, settings.flyte)
            if settings.utask:
                utask = utask_application(app[UTASK_SITE], app[AUTH])
                self.utask_url = await self._serve_alone(utask, settings.utask)
            self.urls = tuple([await self._listen(self._runner, at) for at in endpoints])
            if settings.private:
                app[PEER_AUTH].addresses.update(endpoints[1].addresses(self._listeners[-1]))
        except BaseException:
            await self.stop()
            raise
        own = {"flyte": self.flyte_url, "utask": self.utask_url}
        log.info("server.started", urls=list(self.urls), **{k: v for k, v in own.items() if v})

    async def _serve_alone(self, app: web.Application, bind: Bind) -> str:
        """Serve an API at an address of its own; its URL."""
        runner = web.AppRunner(app, shutdown_timeout=self._settings.stop_s)
        self._own_runners.append(runner)
        await runner.setup()
        return await self._listen(runner, endpoint(bind, insecure=self._settings.insecure))

    async def stop(self) -> None:
        """Refuse new requests, end streams, and give other requests a moment. Idempotent."""
        await self._listen_no_more()
        while self._own_runners:
            await self._own_runners.pop().cleanup()
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.app[STOPPING].set()
            # Before aiohttp stops: after that it receives nothing, not even the clients' close
            # frames.
            await runner.app[FEEDS].wait_none(self._settings.stop_s)
            await runner.cleanup()

    async def _listen_no_more(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            for socket in listener.sockets:
                loop.remove_reader(socket.fileno())
        # An accepted socket has to become a connection first: asyncio loses it if its listener is
        # closed in between (an assertion in Server._attach, up to 3.11).
        await asyncio.sleep(0)
        while self._listeners:
            self._listeners.pop().close()

    async def _listen(self, runner: web.AppRunner, at: Endpoint) -> str:
        try:
            listener = await asyncio.get_running_loop().create_server(
                ConnectionLimit(self._connection(runner), self._crowd.make_room),
                at.host or None,
                at.port,
                ssl=at.tls,
                ssl_handshake_timeout=HANDSHAKE_S if at.tls else None,
                # asyncio calls accept() up to `backlog` times in a row, and each call that fails
                # for want of open files schedules a new try: with 64, 64 tries schedule 64 each.
                backlog=1,
            )
        except OSError as error:
            raise World(f"cannot listen at {at}: {_why(error)}", _try(error)) from None
        self._listeners.append(listener)
        for socket in listener.sockets:
            with socket.dup() as same:
                same.listen(BACKLOG)
        port = listener.sockets[0].getsockname()[1]
        host = f"[{at.host}]" if ":" in at.host else at.host or "localhost"
        return f"{'https' if at.tls else 'http'}://{host}:{port}"

    def _connection(self, runner: web.AppRunner) -> Callable[[], Connection]:
        assert runner.server is not None, "it is set up"
        return functools.partial(
            Connection,
            runner.server,
            self._crowd,
            self._settings.head_s,
            loop=asyncio.get_running_loop(),
            access_log=None,
            auto_decompress=False,  # a webhook's signature is over the bytes as sent
            logger=_logger(),
            keepalive_timeout=self._settings.idle_s,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class _LogHandler(logging.Handler):
    """Passes aiohttp's messages to floe's log. Invalid HTTP gets no line, only a debug message."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            log.debug("request.malformed", error=error.message)
        elif record.levelno >= logging.WARNING:
            log.error("server.failed", what=record.getMessage(), exc_info=record.exc_info)


def _logger() -> logging.Logger:
    logger = logging.Logger("floe.server")
    logger.addHandler(_LogHandler())
    return logger


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another process listens there"
    return error.strerror or str(error)


def _try(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "ports below 1024 need a privilege; choose a higher one with -pub_bind"
    return "is floe running already? choose a different address"
