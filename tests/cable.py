"""A connection of a test to a server, which breaks when the test wants it."""

import asyncio
from typing import Literal


class Cable:
    """A connection to the server that can break: nothing passes any more, or it is reset."""

    def __init__(
        self, port: int, *, breaks_after: int = 0, how: Literal["cut", "reset"] = "reset"
    ) -> None:
        """`breaks_after`: it breaks at this number of bytes, of both ways; 0 if it does not."""
        self._port, self._left, self._how = port, breaks_after, how
        self._streams: list[asyncio.StreamWriter] = []
        self._is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        self._streams += [writer, forth]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._copy(reader, forth))
                tasks.create_task(self._copy(back, writer))
        finally:
            forth.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            self._count(len(data))
            if not self._is_cut:
                target.write(data)
                await target.drain()
        if not self._is_cut:
            target.transport.abort()

    def _count(self, size: int) -> None:
        if 0 < self._left <= size:
            {"cut": self.cut, "reset": self.reset}[self._how]()
        self._left = max(0, self._left - size)

    def cut(self) -> None:
        """Let no byte pass, without an end for either side."""
        self._is_cut = True

    def reset(self) -> None:
        """End both sides at once."""
        for stream in self._streams:
            stream.transport.abort()
