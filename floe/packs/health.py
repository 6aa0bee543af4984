"""The health server of a pack: any request is answered with the checks, and 500 if one fails."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from floe.packs.connections import in_thread

Check = Callable[[], Any | Awaitable[Any]]
"""Healthy unless it gives False or raises; a text that it gives is its status."""

DEFAULT: Final = {"DefaultCheck": {"healthy": True, "status": "Pack is running."}}
TIMEOUT_S: Final = 5.0
HEAD_MAX: Final = 16_384


async def health_server(checks: Mapping[str, Check], bind: str) -> asyncio.Server:
    """Listen. Raises OSError: the address is taken."""
    host, _, port = bind.rpartition(":")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(await states(checks)))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host or None, int(port), limit=HEAD_MAX)


async def states(checks: Mapping[str, Check]) -> dict[str, Any]:
    """The state of each check, by its name."""
    return {name: await _state(check) for name, check in checks.items()} or dict(DEFAULT)


async def _state(check: Check) -> dict[str, Any]:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            found = await in_thread(check)
            found = await found if inspect.isawaitable(found) else found
    except TimeoutError:
        return {"healthy": False, "status": f"no answer within {TIMEOUT_S:g} s"}
    except Exception as error:
        return {"healthy": False, "status": f"{type(error).__name__}: {error}"}
    status = found if isinstance(found, str) else "failed" if found is False else "ok"
    return {"healthy": found is not False, "status": status}


def _answer(found: dict[str, Any]) -> bytes:
    is_healthy = all(state["healthy"] for state in found.values())
    body = json.dumps(found).encode()
    head = (
        f"HTTP/1.1 {'200 OK' if is_healthy else '500 Internal Server Error'}\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
