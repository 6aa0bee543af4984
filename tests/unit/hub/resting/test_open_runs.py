"""Runs that wait for outside work alone leave the memory of a hub, and come back for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from floe.host.opening_inputs import OpenRun
from floe.hub.hub import Hub
from floe.hub.resting import resting_runs
from floe.model.codec import digest_of
from floe.model.errors import Conflict
from floe.model.ids import NodeId, RunRef
from floe.model.judging import Enter
from floe.model.signal import Answered
from floe.store.base import RunStore
from floe.store.memory import MemoryStore
from tests.hands import a_hub, settled
from tests.toy.evaluators import EvaluatorsHere
from tests.toy.reader import toy_flow

FLOW = toy_flow("toy", ["a | post=slack entered"])


@pytest.fixture(autouse=True)
def _none_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting_runs, "OPEN_MAX", 0)


@asynccontextmanager
async def an_open_hub(store: RunStore | None = None) -> AsyncIterator[Hub]:
    async with a_hub(store=store or MemoryStore(), evaluators=EvaluatorsHere()) as hub:
        yield hub


async def opened(hub: Hub) -> RunRef:
    [node] = FLOW.nodes
    enters = (Enter(node=node.id, work=node.work),)
    wanted = OpenRun(
        flow=FLOW, digest=digest_of(FLOW), trigger=NodeId("start"), by="ann", enters=enters
    )
    reply = await hub.loop.ask(wanted)
    assert reply.run is not None
    await settled(hub)
    return reply.run


def in_memory(hub: Hub) -> list[RunRef]:
    return [*hub.loop.core.table.runs]


async def test_work_of_runs_that_are_asleep_is_taken_oldest_first() -> None:
    async with an_open_hub() as hub:
        runs = [await opened(hub) for _ in range(3)]
        asleep = in_memory(hub), hub.reads.counts().runs

        taken = [await hub.outside.take("slack", by="pack") for _ in range(4)]

    assert asleep == ([], {"active": 3})
    assert [work and work.key.partition(".")[0] for work in taken] == [
        *(run.key for run in runs),
        None,
    ]


async def test_taken_work_of_a_run_that_is_asleep_is_answered_once_and_it_is_judged() -> None:
    async with an_open_hub() as hub:
        run = await opened(hub)
        work = await hub.outside.take("slack", by="pack")
        await settled(hub)
        is_asleep = in_memory(hub) == []
        assert work is not None

        await hub.outside.answer(work.key, Answered(good=True, outputs={}))
        with pytest.raises(Conflict):
            await hub.outside.answer(work.key, Answered(good=True, outputs={}))
        await settled(hub)

        assert is_asleep
        assert in_memory(hub) == [run]


async def test_run_that_is_cancelled_while_it_is_asleep_offers_nothing() -> None:
    async with an_open_hub() as hub:
        run = await opened(hub)

        await hub.cancel(str(run), by="bob")

        assert await hub.outside.take("slack", by="pack") is None
        assert len(hub.loop.core.table.offers) == 0


async def test_open_runs_are_asleep_after_a_start_and_offer_their_work() -> None:
    store = MemoryStore()
    async with an_open_hub(store) as hub:
        run = await opened(hub)
    async with an_open_hub(store) as hub:
        is_asleep = in_memory(hub) == []

        work = await hub.outside.take("slack", by="pack")

    assert is_asleep
    assert work is not None
    assert work.key.startswith(run.key)


async def test_why_of_a_run_that_is_asleep_names_its_queue() -> None:
    async with an_open_hub() as hub:
        run = await opened(hub)

        found = await hub.reads.why(str(run))

    assert "from the queue slack" in found.text
