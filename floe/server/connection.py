"""One connection of a client: what comes before a request is known to be one."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.web_request import BaseRequest

from floe.server.problems import problem

HEADERS: Final = {
    "Server": "floe",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer."""

DEFAULTS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise."""

GARBLED: Final = "this is no request that a server of HTTP/1.1 understands"


def protect(response: web.StreamResponse) -> None:
    """Add the headers that every answer has."""
    response.headers.update(HEADERS)
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)


class Connection(web.RequestHandler):
    """Answers what is no request, or none for the application, as floe answers everything."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer garbage, which is not repeated to whom sent it, and end the connection."""
        super().handle_error(request, status, exc, message)  # has its line in the log
        response = problem(status, GARBLED if status == 400 else "floe made a mistake")
        protect(response)
        response.force_close()
        return response

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; what was raised before the application saw the request, too."""
        if isinstance(resp, web.HTTPException):
            resp = problem(resp.status, resp.text or resp.reason)
            protect(resp)
        return await super().finish_response(request, resp, start_time)
