"""A server for requests of http tasks, and what becomes of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiohttp import web

from floe.model.http import Http
from floe.model.signal import Report
from floe.nodes.requests import Requests
from tests.make_nodes import Reports, a_job


class Echo:
    """A server that keeps what it gets, and answers as its path says."""

    def __init__(self) -> None:
        self.failures = 0
        """How many requests to `/busy` are still answered 503."""
        self.retry_after = ""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        received = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.raw_path, received, body))
        match request.path:
            case "/json":
                return web.json_response({"id": 7, "tags": ["a", None, 1.5]})
            case "/invalid":
                return web.json_response({"errors": ["Due date is wrong"]}, status=422)
            case "/empty":
                return web.Response(status=201, content_type="application/json")
            case "/large":
                return web.Response(text="x" * 100_000)
            case "/binary":
                return web.Response(body=b"\xff\xfe\x00", content_type="image/png")
            case "/wrong-json":
                return web.Response(text="{", content_type="application/json")
            case "/busy":
                self.failures -= 1
                headers = {"Retry-After": self.retry_after} if self.retry_after else {}
                return web.Response(status=503 if self.failures >= 0 else 200, headers=headers)
            case "/move":
                status, to = int(request.query.get("status", "302")), request.query.get("to")
                return web.Response(status=status, headers={"Location": to or "/json"})
            case "/cookie":
                reply = web.Response(text="hello")
                reply.set_cookie("session", "s1")
                return reply
            case path if path.startswith("/status/"):
                return web.Response(status=int(path.rpartition("/")[2]), text="so be it")
            case _:
                return web.Response(text="hello")


@asynccontextmanager
async def echoing(tls: SSLContext | None = None, address: str = "127.0.0.1") -> AsyncIterator[Echo]:
    """Such a server at work."""
    echo = Echo()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{rest:.*}", echo.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, address, 0, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    echo.url = f"{scheme}://{address}:{runner.addresses[0][1]}"
    yield echo
    await runner.cleanup()


async def sent(
    root: Path, requests: Requests, url: str, method: str = "GET", **more: Any
) -> Report:
    """The report of a request."""
    job = a_job(root, Http(url=url, method=method, **more))
    reported = Reports()
    requests.start(job, reported)
    requests.recorded(job.key)
    report = await reported.report()
    requests.forget(job.key)
    return report
