"""Bodies of unknown callers are read so many at once."""

import asyncio
from contextlib import suppress

from floe.server.waits import Strangers


async def test_body_whose_time_has_just_run_out_makes_room_for_another() -> None:
    strangers = Strangers(at_once=1)

    async def late() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0) as timeout:
                with strangers.one(timeout):
                    await asyncio.Event().wait()

    async def next_one() -> str:
        await asyncio.sleep(0)  # the first is over by now, and does not know it yet
        async with asyncio.timeout(None) as timeout:
            with strangers.one(timeout):
                await asyncio.sleep(0)
                return "read"

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(late())
        reading = tasks.create_task(next_one())

    assert reading.result() == "read"
