"""A TCP server of a test that sends and receives bytes as it likes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, port: int = 0) -> AsyncIterator[str]:
    """Serve each connection with `talk`; the URL. No socket outlives the block.

    A connection is closed when `talk` returns. Those that are open at the end are aborted: asyncio
    leaves them to the garbage collector, and the test that runs then fails for an unclosed socket.
    """
    connections: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await talk(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()
            connections.discard(task)

    server = await asyncio.start_server(carry, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        open_ones = tuple(connections)
        for task in open_ones:
            task.cancel()
        if open_ones:
            await asyncio.wait(open_ones)
