"""Waiting for a fact, but not for ever."""

import asyncio


async def wait_set(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether an event is set now or within some seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False
