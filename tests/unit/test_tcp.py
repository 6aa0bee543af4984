"""The TCP servers of tests."""

import asyncio
import gc

from tests.tcp import serving


async def test_connection_that_the_client_leaves_open_is_closed_at_the_end() -> None:
    async def sends_more_than_is_read(
        _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"x" * 10_000_000)
        await writer.drain()

    async with serving(sends_more_than_is_read) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        await reader.read(1)

    gc.collect()  # an unclosed socket is a warning, and a warning is an error
    received = await reader.read(-1)
    assert len(received) < 9_000_000
    writer.close()
    await writer.wait_closed()
