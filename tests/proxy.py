"""A TCP proxy that can be made faulty while it carries: silent, one-way, slow, twofold, broken.

It knows nothing of what it carries. It lives on a thread and a loop of its own; every method may
be called from any thread.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Final

CHUNK: Final = 1 << 16

SLOW_S: Final = 0.3
"""What a slow proxy adds to each chunk on its way."""

BREAK_EACH_S: Final = 0.3
"""How long a connection lives in a proxy that breaks them."""


class Proxy:
    """Carries connections to one address. Attributes: `address` is where it listens itself."""

    def __init__(self, target: str) -> None:
        """`target` is `host:port`; nobody need listen there yet."""
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self.address = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_over = asyncio.Event()
        self._asked = asyncio.Event()
        self._answers = asyncio.Event()
        self._slow_s = 0.0
        self._is_doubling = False
        self._breaking: asyncio.TimerHandle | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @contextmanager
    def serving(self) -> Iterator["Proxy"]:
        """Carry for a while; what is on its way at the end is dropped."""
        listens: Future[None] = Future()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(listens)))
        thread.start()
        try:
            listens.result()
            yield self
        finally:
            if self._loop is not None:
                self._call(self._is_over.set)
            thread.join()

    # --- what can be wrong ---

    def cut(self) -> None:
        """Carry nothing; connections stay open, and new ones are taken."""
        self.hold_asked()
        self.hold_answers()

    def hold_asked(self, held: bool = True) -> None:
        """Carry nothing from who connects; what is held back arrives when it is let go."""
        self._call(self._asked.clear if held else self._asked.set)

    def hold_answers(self, held: bool = True) -> None:
        """Carry nothing to who connects; what is held back arrives when it is let go."""
        self._call(self._answers.clear if held else self._answers.set)

    def slow(self, seconds: float = SLOW_S) -> None:
        """Hold each chunk for so long; 0 for no longer."""
        self._call(lambda: setattr(self, "_slow_s", seconds))

    def double(self, doubled: bool = True) -> None:
        """Ask all twice, over two connections; nobody hears the second one's answers."""
        self._call(lambda: setattr(self, "_is_doubling", doubled))
        self._call(self._break)

    def shatter(self, shattering: bool = True) -> None:
        """Break every connection, again and again."""
        self._call(self._shatter if shattering else self._settle)

    def mend(self) -> None:
        """Carry everything as it should be."""
        self._call(self._mend)

    # --- on its loop ---

    def _call(self, act: Callable[[], object]) -> None:
        assert self._loop is not None, "it serves"
        self._loop.call_soon_threadsafe(act)

    async def _serve(self, listens: "Future[None]") -> None:
        try:
            server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        except OSError as error:
            listens.set_exception(error)
            return
        self._loop = asyncio.get_running_loop()
        self._mend()
        host, port = server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        listens.set_result(None)
        await self._is_over.wait()
        server.close()
        self._mend()
        tasks = tuple(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _mend(self) -> None:
        self._settle()
        self._slow_s, self._is_doubling = 0.0, False
        self._asked.set()
        self._answers.set()

    def _break(self) -> None:
        for task in self._connections:
            task.cancel()

    def _shatter(self) -> None:
        self._break()
        loop = asyncio.get_running_loop()
        self._breaking = loop.call_later(BREAK_EACH_S, self._shatter)

    def _settle(self) -> None:
        if self._breaking:
            self._breaking.cancel()
            self._breaking = None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [writer]
        try:
            await self._asked.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as ways:
                if self._is_doubling:
                    unheard, second = await asyncio.open_connection(*self._target)
                    writers.append(second)
                    ways.create_task(_drop(unheard))
                ways.create_task(self._pump(reader, self._asked, *writers[1:]))
                ways.create_task(self._pump(far_reader, self._answers, writer))
        except* (OSError, asyncio.CancelledError):
            pass  # one end is gone, or the connection was broken on purpose
        finally:
            self._connections.discard(task)
            for each in writers:
                each.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        is_open: asyncio.Event,
        *writers: asyncio.StreamWriter,
    ) -> None:
        while chunk := await reader.read(CHUNK):
            if self._slow_s:
                await asyncio.sleep(self._slow_s)
            await is_open.wait()
            for writer in writers:
                writer.write(chunk)
                await writer.drain()
        for writer in writers:
            with suppress(OSError, RuntimeError):
                writer.write_eof()


async def _drop(reader: asyncio.StreamReader) -> None:
    while await reader.read(CHUNK):
        pass
