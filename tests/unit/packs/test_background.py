"""Work in the background of a pack: it runs while the pack does, and neither outlives the other."""

import asyncio
import threading

import pytest

from floe.packs import Event, Pack
from floe.packs.testing import MemoryServer


def test_background_work_ends_with_the_pack() -> None:
    pack, ended = Pack("Door", events=["Opened"]), threading.Event()

    @pack.background
    async def watch() -> None:
        try:
            await pack.send("Opened")
            await asyncio.Event().wait()
        finally:
            ended.set()

    with MemoryServer() as server, pack.in_background(server.settings()):
        server.wait_for(lambda: server.events, "event")

    assert ended.is_set()


def test_pack_ends_with_what_its_background_work_raises() -> None:
    pack = Pack("Door")

    @pack.background
    async def watch() -> None:
        raise LookupError("no door")

    async def run(server: MemoryServer) -> None:
        async with pack.running(server.settings()):
            await asyncio.Event().wait()

    with MemoryServer() as server, pytest.raises(ExceptionGroup) as raised:
        asyncio.run(run(server))

    assert raised.value.subgroup(LookupError) is not None


def test_open_command_ends_before_the_pack_does_when_its_background_work_raises() -> None:
    pack, taken, go = Pack("Door"), asyncio.Event(), asyncio.Event()

    @pack.command("Open", "Opened")
    async def open_it() -> str:
        taken.set()
        await go.wait()
        return "open"

    @pack.background
    async def watch() -> None:
        await taken.wait()
        asyncio.get_running_loop().call_later(0.05, go.set)
        raise LookupError("no door")

    async def run(server: MemoryServer) -> None:
        async with pack.running(server.settings()):
            await asyncio.Event().wait()

    with MemoryServer() as server:
        action = server.offer("Open")
        with pytest.raises(ExceptionGroup):
            asyncio.run(run(server))

        assert server.result(action, 0) == Event("Opened", "open")


def test_caller_gets_the_error_of_its_own_block() -> None:
    pack = Pack("Door")

    @pack.background
    async def watch() -> None:
        await asyncio.Event().wait()

    async def run(server: MemoryServer) -> None:
        async with pack.running(server.settings()):
            raise LookupError("mine")

    with MemoryServer() as server, pytest.raises(LookupError, match="mine"):
        asyncio.run(run(server))
