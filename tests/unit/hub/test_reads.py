"""What readers see while a step is being stored: the facts of before, which are on the disk."""

import asyncio

import pytest

from floe.hub.hub import Hub
from floe.model.errors import NotFound
from floe.model.ids import StoreId
from floe.store.base import Batch
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, over, until
from tests.make import a_flow, a_node, an_end

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))


class SlowStore(MemoryStore):
    """A store whose appends wait until the test lets them through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def append(self, batch: Batch) -> int:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return await super().append(batch)


async def running(hub: Hub) -> str:
    """A run whose command runs, with everything stored."""
    run = (await hub.trigger("flow", values={}, by="alice")).id
    await hub.loop.wait_idle()
    return run


async def test_reader_sees_no_fact_before_it_is_stored() -> None:
    store, hands = SlowStore(), Hands()
    async with a_hub(FLOW, store=store, hands=hands) as hub:
        run = await running(hub)
        store.gate.clear()
        hands.exit("build")
        await until(lambda: store.waiting)

        at, row = await hub.reads.run(run), await hub.reads.summary(hub.reads.ref(run))
        seen = [live.phase for live in hub.reads.lives()]
        store.gate.set()
        await until(over(hub, run))
        after = await hub.reads.run(run)

    assert (at.phase, row.phase, seen) == ("active", "active", ["active"])
    assert after.good


async def test_run_stays_live_until_the_fact_that_archives_it_is_stored() -> None:
    store, hands = SlowStore(), Hands()
    async with a_hub(FLOW, store=store, hands=hands) as hub:
        run = await running(hub)
        hands.exit("build")
        await until(lambda: hub.loop.core.table.runs[hub.reads.ref(run)].phase == "ended")
        store.gate.clear()
        await until(lambda: not hub.loop.core.table.runs)

        seen = [live.phase for live in hub.reads.lives()]
        store.gate.set()
        await hub.loop.wait_idle()
        after = list(hub.reads.lives())

    assert (seen, after) == (["ended"], [])


async def test_run_is_not_there_before_it_is_stored() -> None:
    store = SlowStore()
    async with a_hub(FLOW, store=store) as hub:
        await running(hub)
        store.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            second = tasks.create_task(hub.trigger("flow", values={}, by="bob"))
            await until(lambda: store.waiting)

            with pytest.raises(NotFound):
                await hub.reads.run("h1-2")
            assert [str(live.ref) for live in hub.reads.lives()] == ["h1-1"]
            store.gate.set()

        assert (await hub.reads.run("h1-2")).ref == hub.reads.ref(second.result().id)


class CopiedStore(MemoryStore):
    """A store that a test makes a copy of: from then on it has an id of its own."""

    is_copy = False

    @property
    def store_id(self) -> StoreId:
        return StoreId("c0py") if self.is_copy else super().store_id


async def test_why_of_a_run_that_came_with_a_backup_names_the_operator() -> None:
    store = CopiedStore()
    async with a_hub(a_flow(an_end(), host_tags=("moon",)), store=store) as hub:
        run = hub.reads.ref((await hub.trigger("flow", values={}, by="alice")).id)
    store.is_copy = True

    async with a_hub(store=store) as hub:
        said = await hub.reads.why(run.key)

    assert said.text.startswith(f"held for the operator: the store here is a copy of {run.store},")
