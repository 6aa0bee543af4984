"""The status code of each error, and problem+json: the only file with this mapping.

Source: RFC 9457, "Problem Details for HTTP APIs".
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web

from floe.model.codec import iso, to_text
from floe.model.errors import (
    ConfigInvalid,
    Conflict,
    Denied,
    FloeError,
    Forbidden,
    Lost,
    NotFound,
    Removed,
    Theirs,
    TooLarge,
    ValuesInvalid,
    World,
    Yours,
)
from floe.model.ids import Instant
from floe.model.secret import HIDDEN, masked
from floe.shapes.findings import finding_shape

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Unsupported(Yours):
    """Problem: the body has a type that the route does not accept."""


class Stale(Conflict):
    """Problem: the object is not the version any more that a condition of the request names."""


class Throttled(Yours):
    """Problem: too many wrong credentials from one address."""

    def __init__(self, after_s: float) -> None:
        super().__init__("too many wrong credentials from your address", "wait and try again")
        self.after_s = after_s


_STATUS: Final[Mapping[type[FloeError], int]] = {
    Denied: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Stale: 412,
    Lost: 410,
    Removed: 410,
    TooLarge: 413,
    Unsupported: 415,
    ConfigInvalid: 422,
    ValuesInvalid: 422,
    Throttled: 429,
    Yours: 400,
    Theirs: 502,
    World: 503,
}


def status_of(error: FloeError) -> int:
    """The status of a problem: of the nearest class of error that has one; 500 where none has."""
    return next((_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS), 500)


def problem(status: int, detail: str, **more: object) -> web.Response:
    """A problem+json response without empty members."""
    title = HTTPStatus(status).phrase
    shape = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    shape |= {name: value for name, value in more.items() if value}
    return answer(shape, status, "application/problem+json")


def answer(
    shape: Any,
    status: int = 200,
    content_type: str = "application/json",
    *,
    is_output: bool = False,
) -> web.Response:
    """A JSON response, also to report a problem; without the passwords of URLs.

    `is_output`: output of commands is left unchanged. Lone surrogates (bytes that were not UTF-8)
    become JSON escapes.
    """
    body = to_text(shape if is_output else masked(shape)).encode(errors="backslashreplace")
    return web.Response(body=body, status=status, content_type=content_type)


def problem_of(error: FloeError) -> web.Response:
    """The reply for an error of floe's own tree."""
    findings = error.findings if isinstance(error, ConfigInvalid) else ()
    response = problem(
        status_of(error),
        error.what,
        hint=error.hint,
        fields=error.fields if isinstance(error, ValuesInvalid) else {},
        findings=[finding_shape(f) for f in findings],
        **_removal(error),
    )
    if isinstance(error, Denied):
        response.headers["WWW-Authenticate"] = 'Bearer realm="floe"'
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(int(error.after_s) + 1)
    return response


def _removal(error: FloeError) -> dict[str, object]:
    """When and why a run was removed."""
    if not isinstance(error, Removed) or error.at is None:
        return {}
    return {"since": iso(Instant(error.at)), "why": error.why}


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The border of requests: every exception below becomes a problem."""
    try:
        return await handler(request)
    except ConnectionError:
        return _cut(request)
    except FloeError as error:
        if status_of(error) >= 500:
            log.warning("request.refused", path=_path(request), error=str(error))
        response = problem_of(error)
    except web.HTTPException as error:
        response = problem(error.status, error.text or error.reason)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except Exception:
        id = secrets.token_hex(6)
        log.exception("request.failed", id=id, method=request.method, path=_path(request))
        response = problem(500, f"internal error; floe's log has it under {id}", id=id)
    return _cut(request) if request.writer.output_size else response


def _path(request: web.Request) -> str:
    """The path of a request for the log: without the hash that answers a call."""
    proof = request.match_info.get("proof", "")
    return request.path.replace(proof, HIDDEN) if proof else request.path


def _cut(request: web.Request) -> web.Response:
    """End a connection whose reply has begun and cannot be completed, so that no client takes the
    part for the whole. The return value is never sent."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()
