"""Bodies of requests, checked before use."""

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Final, NoReturn

from aiohttp import web

from floe.model.errors import TooLarge, Yours
from floe.model.ids import Json
from floe.server.app_keys import BODY, CALLER, STRANGERS
from floe.server.fields import Fields
from floe.server.problems import Unsupported

Container = dict[str, Json] | list[Json]

BODY_MAX: Final = 2 * 1024 * 1024
"""Bytes of a request's body."""

BODY_S: Final = 30.0
"""Seconds a client may take to send it."""

DEPTH_MAX: Final = 64
"""Levels of lists and objects in one another."""


async def raw_body(request: web.Request, most: int = BODY_MAX) -> bytes:
    """The body as sent. Raises TooLarge, before reading if the length is announced."""
    if BODY in request:
        return request[BODY]
    if (request.content_length or 0) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(BODY_S) as timeout:
            if CALLER in request:
                return await _read(request, most)
            with request.app[STRANGERS].one(timeout):
                return await _read(request, most)
    except web.RequestPayloadError as error:
        raise Yours(f"the body is incomplete or malformed: {error}") from None
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"no complete body within {BODY_S:g} s") from None


async def expect_body(request: web.Request) -> None:
    """Accept `Expect: 100-continue`. The reply is sent when the body is read, so never before an
    authentication that the route requires."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="only Expect: 100-continue is understood")


async def _read(request: web.Request, most: int) -> bytes:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # so that aiohttp still sends the reply's own status
    body = bytearray()
    async for data in request.content.iter_any():
        body += data
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body exceeds {most} bytes")


async def json_body(
    request: web.Request, *, any_case: bool = False, most: int = BODY_MAX
) -> Fields:
    """The JSON object of a request; an empty one without a body.

    `any_case`: keys are converted to lower case. Raises TooLarge, Unsupported or Yours.
    """
    body = await raw_body(request, most)
    if not body and not request.body_exists:
        return Fields({})
    if encoding := request.headers.get("Content-Encoding"):
        raise Unsupported(f"a body in {encoding[:20]} is not accepted", "send it unencoded")
    if request.content_type != "application/json":
        raise Unsupported(f"{request.content_type} is not accepted here", "send application/json")
    shape = parse(body)
    if not isinstance(shape, Mapping):
        raise Yours("the body must be a JSON object")
    return Fields(shape, any_case=any_case)


def parse(text: bytes) -> Json:
    """Parse a body as strict JSON: no duplicate keys, finite numbers, no lone surrogates.

    Raises Yours.
    """
    try:
        value: Json = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
        check_depth(value)
        json.dumps(value, ensure_ascii=False).encode()  # refuses lone surrogates
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Yours(f"invalid JSON: {error}") from None
    return value


def _too_deep() -> Yours:
    return Yours(f"the body is nested deeper than {DEPTH_MAX} levels")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    shape: dict[str, Json] = {}
    for key, value in pairs:
        if key in shape:
            raise ValueError(f"key {key[:80]!r} occurs twice")
        shape[key] = value
    return shape


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number {text[:80]} is too large")
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def check_depth(value: Json) -> None:
    """Refuse a value that is nested too deep. Raises Yours."""
    level = _nested([value])
    for _ in range(DEPTH_MAX):
        level = [child for parent in level for child in _nested(parent)]
        if not level:
            return
    raise _too_deep()


def _nested(parent: "Container") -> "list[Container]":
    children = parent.values() if isinstance(parent, dict) else parent
    return [child for child in children if isinstance(child, dict | list)]
