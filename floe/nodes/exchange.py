"""Sends one request and receives its reply, within limits of time and size.

Rules of this file: a URL is sent byte for byte; each request has a session of its own, so that
none shares cookies or connections, and aiohttp never sends one a second time by itself.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import aiohttp

from floe.model.errors import Yours
from floe.model.http import BodyType, Http
from floe.model.template import data_of
from floe.nodes.http import HttpTarget, status_text
from floe.nodes.partial_file import DownloadRefused
from floe.nodes.replies import HttpReply, RequestFailed
from floe.trust import certificates

BODY_BYTES_MAX: Final = 1024 * 1024
"""Of a reply."""

_TYPES: Final[dict[BodyType, str]] = {
    "text": "text/plain; charset=utf-8",
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
}


async def exchange(
    work: Http, print_line: Callable[[str], None], write: Callable[[bytes], None]
) -> HttpReply:
    """Send a request; `print_line` and `write` get status and body as they arrive.

    Raises RequestFailed without a complete reply, Yours for a request that cannot be sent.
    """
    try:
        target = HttpTarget.parse(data_of(work.url))
    except DownloadRefused as error:
        raise Yours(str(error).replace("can be fetched", "can be requested")) from None
    try:
        async with asyncio.timeout(work.timeout_s):
            return await _exchange(work, target, print_line, write)
    except TimeoutError:
        why = f"{target.host} sent no complete reply within {work.timeout_s:g} s"
        raise RequestFailed(why, "timeout") from None
    except (aiohttp.ClientError, ssl.SSLError, ConnectionError, ValueError) as error:
        raise RequestFailed(f"{target.host}: {_why(error)}") from None


async def _exchange(
    work: Http,
    target: HttpTarget,
    print_line: Callable[[str], None],
    write: Callable[[bytes], None],
) -> HttpReply:
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=await asyncio.to_thread(certificates), force_close=True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"Accept-Encoding": "identity", "User-Agent": "floe"},
        ) as session,
        session.request(
            work.method,
            target.url(target.user),
            headers=_headers(work),
            data=None if work.body is None else data_of(work.body).encode(),
            allow_redirects=False,
        ) as response,
    ):
        print_line(_head(response))
        return await _received(response, write)


def _headers(work: Http) -> dict[str, str]:
    headers = {header.name: data_of(header.value) for header in work.headers}
    if work.body is not None and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = _TYPES[work.body_type]
    return headers


def _head(response: aiohttp.ClientResponse) -> str:
    type_ = response.headers.get("Content-Type", "")
    return f"{status_text(response)}{f', {type_}' if type_ else ''}"


async def _received(response: aiohttp.ClientResponse, write: Callable[[bytes], None]) -> HttpReply:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise RequestFailed(f"the reply has more than {BODY_BYTES_MAX} bytes")
        write(chunk)
    names = dict.fromkeys(name.lower() for name in response.headers)
    return HttpReply(
        status=response.status,
        reason=response.reason or "",
        headers={name: ", ".join(response.headers.getall(name)) for name in names},
        body=bytes(body),
    )


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
