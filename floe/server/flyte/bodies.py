"""Bodies of requests and answers, in JSON or YAML, and the answers to errors."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web

from floe.dialects.go_scalars import FLYTE
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.model.codec import to_text
from floe.model.errors import FloeError, Yours
from floe.model.ids import Json
from floe.server.app_keys import CALLER
from floe.server.bodies import raw_body
from floe.server.flyte.go_json import go_numbers, parse_go, written_numbers
from floe.server.go_yaml_text import YAML, yaml_text
from floe.server.problems import Handler, status_of

log = structlog.get_logger()

AGAIN_S: Final = "1"
"""Seconds after which a client may try again what cannot be answered now."""

LARGE_BYTES: Final = 16 * 1024
"""A larger body is read in a thread."""


async def read_value(request: web.Request, *, whole: bool = False) -> Json:
    """The value of a body, whatever its media type says, unless that is YAML.

    `whole`: nothing may follow a JSON value. Raises Yours, TooLarge.
    """
    body = await raw_body(request)
    is_yaml = request.headers.get("Content-Type") == YAML
    if len(body) <= LARGE_BYTES:
        return _yaml(body) if is_yaml else parse_go(body, whole=whole)
    return await asyncio.to_thread(
        _yaml if is_yaml else lambda text: parse_go(text, whole=whole), body
    )


def _yaml(body: bytes) -> Json:
    notes = Notes("body")
    try:
        tree = parse_go_yaml(body.decode(), FLYTE, notes)
    except UnicodeDecodeError as error:
        raise Yours(f"the body is not UTF-8: {error.reason}") from None
    if tree is None:
        raise Yours("; ".join(str(finding) for finding in notes.findings))
    return go_numbers(json_value(tree))


def reply(
    request: web.Request, shape: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer, as YAML for a client that accepts exactly that, else as JSON."""
    shape = written_numbers(shape)
    is_yaml = request.headers.get("Accept") == YAML
    text = yaml_text(shape) if is_yaml else to_text(shape)
    return web.Response(
        body=text.encode(),
        status=status,
        headers=headers,
        content_type=YAML if is_yaml else "application/json",
        charset="utf-8",
    )


def caller_of(request: web.Request) -> str:
    """The name of the caller, for the rows that it writes."""
    return request[CALLER].by if CALLER in request else "flyte"


@web.middleware
async def answer_flyte_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes a status, with its reason as plain text."""
    try:
        return await handler(request)
    except FloeError as error:
        status = status_of(error)
        if status >= 500:
            log.warning("request.refused", path=request.path, error=str(error))
        headers = {"Retry-After": AGAIN_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return web.Response(status=status, text=str(error), headers=headers)
    except web.HTTPMethodNotAllowed as error:
        allow = ", ".join(sorted(error.allowed_methods | {"OPTIONS"}))
        if request.method == "OPTIONS":
            return web.Response(headers={"Allow": allow})
        return web.Response(status=405, text="Method Not Allowed", headers={"Allow": allow})
    except web.HTTPNotFound:
        return web.Response(status=404, text="Not Found")
