"""Runs at rest leave the memory of a hub, and come back when something happens to them."""

from typing import Any

import pytest

from floe.hub.hub import Hub
from floe.hub.resting import resting_runs
from floe.kernel.evolve import fold
from floe.model.codec import digest_of, encode, encode_event, to_text
from floe.model.errors import KeyMissing
from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import Instant, RunRef
from floe.model.nouns import replace
from floe.model.passes import BeginPass, PassBegan, RunRested
from floe.model.summary import summary_of
from floe.store.base import Append, Batch, LedgerWrite, Record
from floe.store.memory import MemoryStore
from tests.hands import HandClock, a_hub, settled, until
from tests.make import H1, NOW
from tests.toy.reader import toy_flow
from tests.toy.run import opened

FLOW = toy_flow("toy", ["a"])
RESTED = RunRested(at=NOW, number=1, verdict="ERROR", due=Instant(NOW + 60_000))


async def a_store(*events: Event, flow: Flow = FLOW, count: int = 1) -> MemoryStore:
    """A store with runs that rest, all with the same events after the first."""
    store = MemoryStore()
    await store.open()
    for serial in range(1, count + 1):
        ref = RunRef(H1, store.store_id, serial)
        first = replace(opened(flow, verdict="TODO"), store=store.store_id)
        log = [first, *events]
        records = tuple(
            Record(run=ref, epoch=1, seq=seq, event=event, body=to_text(encode_event(event)))
            for seq, event in enumerate(log, 1)
        )
        row = summary_of(replace(fold(ref, log), flow=flow))
        append = Append(run=ref, epoch=1, after=0, records=records, summary=row)
        await store.append(Batch(appends=(append,)))
    await store.append(
        Batch(ledger=(LedgerWrite(kind="flow", key=digest_of(flow), value=encode(flow)),))
    )
    return store


def ref_of(hub: Hub, serial: int = 1) -> RunRef:
    return RunRef(H1, hub.store.store_id, serial)


def in_memory(hub: Hub) -> list[int]:
    return sorted(ref.serial for ref in hub.loop.core.table.runs)


async def test_run_at_rest_is_not_read_at_a_start() -> None:
    async with a_hub(store=await a_store()) as hub:
        run = await hub.reads.run("h1-1")

        assert (in_memory(hub), run.phase) == ([], "resting")
        assert hub.reads.counts().runs == {"resting": 1}


async def test_run_that_is_asleep_goes_on_when_it_is_due() -> None:
    clock = HandClock()
    async with a_hub(store=await a_store(RESTED), clock=clock) as hub:
        clock.advance(59)
        await settled(hub)
        assert in_memory(hub) == []

        clock.advance(2)
        await settled(hub)

        assert isinstance((await hub.reads.events("h1-1"))[2].record.event, PassBegan)


async def test_run_that_is_asleep_reaches_its_time_limit() -> None:
    clock = HandClock()
    flow = toy_flow("toy timeout=90s", ["a"])
    async with a_hub(store=await a_store(flow=flow), clock=clock) as hub:
        clock.advance(91)
        await until(lambda: ref_of(hub) not in hub.loop.core.table.runs)

        row = await hub.reads.summary(ref_of(hub))

    assert (row.phase, row.result) == ("packed", "bad")


async def test_run_that_is_asleep_can_be_cancelled() -> None:
    async with a_hub(store=await a_store()) as hub:
        done = await hub.cancel("h1-1", by="bob")

    assert done.row.result == "cancelled"


async def test_runs_that_rested_last_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting_runs, "AWAKE_MAX", 2)
    async with a_hub(store=await a_store(count=4)) as hub:
        for serial in (1, 2, 3, 4, 2):
            await hub.loop.ask(BeginPass(by="bob"), run=ref_of(hub, serial))
            await settled(hub)

        assert in_memory(hub) == [2, 4]
        assert hub.reads.counts().runs == {"resting": 4}


async def test_run_whose_key_is_gone_is_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def folded(*_: Any) -> None:
        raise KeyMissing("its key is missing")

    async with a_hub(store=await a_store()) as hub:
        monkeypatch.setattr(hub.history, "folded", folded)
        reply = await hub.loop.ask(BeginPass(by="bob"), run=ref_of(hub))

        assert not reply.changed
        assert hub.history.unreadable == {ref_of(hub): "its key is missing"}
