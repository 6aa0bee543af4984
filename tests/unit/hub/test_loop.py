"""The writer: what becomes of words while a store refuses, is slow, or the host stops."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from floe.host.inputs import Incoming, Mark, TakeOldest
from floe.hub import loop as loop_module
from floe.hub.hub import Hub
from floe.hub.loop import Busy
from floe.model.errors import StoreConflict, StoreFailed, Yours
from floe.model.event import RunEnded
from floe.model.ids import Instant, Key, NodeId
from floe.model.signal import Cancel, Exited, Reported
from floe.store.base import Batch, LedgerWrite
from tests.hands import HandClock, Hands, RefusingStore, a_hub, live, over, until
from tests.make import a_flow, a_node, an_end
from tests.make_triggers import a_tick

CHAIN = a_flow(a_node("a"), a_node("b", on="task.a.good"), an_end(on="task.b.good"))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "STORE_RETRY_S", 0.001)


async def running(hub: Hub, hands: Hands, flow: str = "flow") -> str:
    """A run whose first command runs, with everything stored."""
    before = len(hands.started)
    run = (await hub.trigger(flow, values={}, by="alice")).id
    await until(lambda: len(hands.started) > before)
    await hub.loop.wait_idle()
    return run


async def test_caller_gets_an_error_when_the_store_refuses_and_nothing_is_left_of_it() -> None:
    store = RefusingStore()
    async with a_hub(CHAIN, store=store) as hub:
        store.refusals = 1
        with pytest.raises(StoreFailed, match="the disk is full"):
            await hub.trigger("flow", values={}, by="alice", once="k")
        await until(lambda: not hub.loop.core.table.runs)

        again = await hub.trigger("flow", values={}, by="alice", once="k")

    assert again.id == "h1-2"  # the number 1 is not given twice


async def test_report_survives_a_store_that_refuses() -> None:
    store, hands = RefusingStore(), Hands()
    async with a_hub(CHAIN, store=store, hands=hands) as hub:
        run = await running(hub, hands)
        store.refusals = 3
        hands.exit("a")
        await until(lambda: len(hands.started) == 2)
        hands.exit("b")
        await until(over(hub, run))

        row = await hub.reads.summary(hub.reads.ref(run))

    assert row.good
    assert [key.node for key in hands.started] == ["a", "b"]


async def test_effect_of_a_refused_step_is_not_begun() -> None:
    store, hands = RefusingStore(), Hands()
    async with a_hub(CHAIN, store=store, hands=hands) as hub:
        await running(hub, hands)
        store.refusals = 10**9
        hands.exit("a")
        await until(lambda: store.refusals < 10**9 - 3)
        begun = [key.node for key in hands.started]
        store.refusals = 0

    assert begun == ["a"]


async def test_problem_of_the_store_is_shown_logged_once_and_cleared() -> None:
    store, hands = RefusingStore(), Hands()
    async with a_hub(CHAIN, store=store, hands=hands) as hub:
        await running(hub, hands)
        with capture_logs() as logs:
            store.refusals = 5
            hands.exit("a")
            await until(lambda: hub.loop.store_problem)
            shown = hub.loop.store_problem
            await until(lambda: len(hands.started) == 2)

        assert (shown, hub.loop.store_problem) == ("the disk is full", "")
    assert [line["event"] for line in logs] == ["store.refused", "store.recovered"]


async def test_timer_puts_nothing_in_the_inbox_while_the_store_refuses() -> None:
    store, clock = RefusingStore(), HandClock()
    flow = a_flow(a_node("a"), triggers=(a_tick(period_s=1.0),))
    async with a_hub(flow, store=store, clock=clock) as hub:
        await hub.loop.wait_idle()
        store.refusals = 10**9
        hub.loop.put(Incoming(input=Mark(rows=(LedgerWrite(kind="k", key="k", value=1),))))
        await until(lambda: hub.loop.store_problem)
        for _ in range(50):
            clock.advance(1)
        kept = len(hub.loop)
        store.refusals = 0
        await hub.loop.wait_idle()
        clock.advance(1)
        await until(lambda: hub.loop.core.table.runs)

    assert kept <= 1  # the mark itself


async def test_unread_questions_are_answered_while_the_store_refuses() -> None:
    store, hands = RefusingStore(), Hands()
    async with a_hub(CHAIN, store=store, hands=hands) as hub:
        run = await running(hub, hands)
        store.refusals = 10**9
        with pytest.raises(StoreFailed):
            await hub.cancel(run, by="bob")
        at = await hub.reads.run(run)
        store.refusals = 0

    assert at.phase == "active"


async def test_input_that_nobody_waits_for_is_kept_before_those_that_came_later() -> None:
    store = RefusingStore()
    async with a_hub(CHAIN, store=store) as hub:
        store.refusals = 2
        for value in (1, 2, 3):
            row = LedgerWrite(kind="mark", key="x", value=value)
            hub.loop.put(Incoming(input=Mark(rows=(row,))))
            await asyncio.sleep(0)
        await hub.loop.wait_idle()

        assert await store.row("mark", "x") == 3


async def test_run_whose_log_went_on_in_the_store_is_read_again() -> None:
    store, hands = RefusingStore(), Hands()
    async with a_hub(CHAIN, store=store, hands=hands) as hub:
        run = await running(hub, hands)
        table = hub.loop.core.table
        store.error = StoreFailed("unknown whether the commit came through")
        real, told = store.append, list[int]()

        async def stored_but_not_told(batch: Batch) -> int:
            last = await real(batch)
            if not told:
                told.append(last)
                raise store.error
            return last

        store.append = stored_but_not_told  # type: ignore[method-assign]  # one lost answer
        with hub.feed.subscribe() as listener:
            hands.exit("a")
            await until(lambda: len(hands.started) == 2)
            await hub.loop.wait_idle()
            texts = [frame.text for frame in await listener.take()]
        hands.exit("b")
        await until(over(hub, run))
        row = await hub.reads.summary(hub.reads.ref(run))

    assert row.good
    assert table.runs == {}
    assert '"type":"reset"' in texts[0]
    assert [key.node for key in hands.started] == ["a", "b"]


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
async def test_input_that_no_store_can_hold_is_refused_alone(value: Any) -> None:
    async with a_hub(CHAIN) as hub:
        bad = asyncio.ensure_future(hub.remember("token", "x", value))
        good = asyncio.ensure_future(hub.remember("token", "y", 1))
        await asyncio.wait([bad, good])
        after = await hub.trigger("flow", values={}, by="alice")

        assert isinstance(bad.exception(), Yours)
        assert await hub.reads.kept("token") == {"y": 1}
    assert after.id == "h1-1"


async def test_outputs_that_no_store_can_hold_are_an_error_of_their_node() -> None:
    hands = Hands()
    async with a_hub(CHAIN, hands=hands) as hub:
        run = await running(hub, hands)
        hands.exit("a", outputs={"x": "\udcff"})
        await until(over(hub, run))

        at = await hub.reads.run(run)

    outcome = at.nodes[NodeId("a")].outcome
    assert outcome
    assert (outcome.result, "its outputs cannot be stored" in outcome.why) == ("error", True)


async def test_late_input_that_cannot_be_stored_does_not_stop_the_host() -> None:
    async with a_hub(CHAIN) as hub:
        ref = hub.reads.ref((await hub.trigger("flow", values={}, by="alice")).id)
        key = Key(ref, 1, NodeId("a"), 1, 1)
        report = Exited(status=0, outputs={"x": float("inf")})
        with capture_logs() as logs:
            hub.loop.put(Incoming(input=Reported(key=key, report=report, at=Instant(0)), run=ref))
            await hub.loop.wait_idle()

        assert (await hub.cancel(str(ref), by="bob")).row.why == "cancelled by bob"
    assert logs[0]["event"] == "input.refused"


async def test_host_with_too_much_to_do_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "INBOX_MAX", 3)
    async with a_hub(CHAIN) as hub:
        for _ in range(3):
            hub.loop.put(Incoming(input=Mark(rows=())))

        with pytest.raises(Busy, match="3 inputs wait"):
            await hub.remember("token", "x", 1)


async def test_inputs_of_one_moment_are_stored_together_in_bounded_batches() -> None:
    store = RefusingStore()
    async with a_hub(a_flow(host_tags=("gpu",)), store=store) as hub:
        await hub.loop.wait_idle()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(loop_module.BATCH_MAX + 10):
                tasks.create_task(hub.trigger("flow", values={}, by="alice"))

    assert [len(b.appends) for b in store.batches if b.appends] == [loop_module.BATCH_MAX, 10]


async def test_cancelled_caller_leaves_no_ticket_and_its_input_counts() -> None:
    store = RefusingStore()
    async with a_hub(CHAIN, store=store) as hub:
        asking = asyncio.ensure_future(hub.trigger("flow", values={}, by="alice"))
        await until(lambda: len(hub.loop))
        asking.cancel()
        await asyncio.wait([asking])
        await hub.loop.wait_idle()

        assert asking.cancelled()
        assert hub.loop._tickets == {}
        assert live(hub, "h1-1")


# --- stopping ---


async def test_input_before_closing_is_stored() -> None:
    store = RefusingStore()
    async with a_hub(CHAIN, store=store) as hub:
        await hub.loop.wait_idle()
        for value in range(600):
            row = LedgerWrite(kind="mark", key="x", value=value)
            hub.loop.put(Incoming(input=Mark(rows=(row,))))

    assert store.batches[-1].ledger[-1].value == 599


async def test_stopping_host_takes_nothing_new() -> None:
    async with a_hub(CHAIN) as hub:
        pass

    with pytest.raises(Busy, match="stopping"):
        await hub.remember("token", "x", 1)


async def test_asker_is_not_left_waiting_by_a_host_that_stops() -> None:
    store = RefusingStore()
    async with a_hub(CHAIN, store=store) as hub:
        real, gate = store.append, asyncio.Event()

        async def stuck(batch: Batch) -> int:
            await gate.wait()
            return await real(batch)

        store.append = stuck  # type: ignore[method-assign]  # a disk that does not answer
        asking = asyncio.ensure_future(hub.remember("token", "x", 1))
        await until(lambda: len(hub.loop) == 0 and hub.loop._tickets)
        hub.loop.put(Incoming(input=Mark(rows=())))
        await hub.loop.drain(0.01)
        gate.set()
        await asyncio.wait([asking], timeout=30)

    assert asking.done()


async def test_host_whose_store_refuses_closes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "STORE_RETRY_S", 3600.0)
    store, hands = RefusingStore(), Hands()
    async with asyncio.timeout(30):
        async with a_hub(CHAIN, store=store, hands=hands) as hub:
            await running(hub, hands)
            store.refusals = 10**9
            hands.exit("a")
            await until(lambda: hub.loop.store_problem)


async def test_conflict_is_retried_on_what_the_store_has() -> None:
    store, hands = RefusingStore(), Hands()
    async with a_hub(CHAIN, store=store, hands=hands) as hub:
        run = await running(hub, hands)
        store.error, store.refusals = StoreConflict("h1-1: append at 9, but it is at 8"), 1
        hub.loop.put(Incoming(input=Cancel(by="bob"), run=hub.reads.ref(run)))
        await until(over(hub, run))
        events = [s.record.event for s in await hub.reads.events(run)]

    assert sum(isinstance(e, RunEnded) for e in events) == 1


class GatedStore(RefusingStore):
    """A store that keeps an append waiting until a test opens a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()

    async def append(self, batch: Batch) -> int:
        self.waiting.set()
        await self.gate.wait()
        return await super().append(batch)


async def test_call_between_batches_waits_until_the_one_at_work_is_stored() -> None:
    store, called = GatedStore(), list[int]()
    store.gate.set()
    async with a_hub(CHAIN, store=store) as hub:
        await hub.loop.wait_idle()
        hub.loop.between(lambda: called.append(1))
        store.gate.clear()
        store.waiting.clear()
        hub.loop.put(Incoming(input=Mark(rows=(LedgerWrite(kind="x", key="x", value=1),))))
        await store.waiting.wait()

        hub.loop.between(lambda: called.append(2))
        at_work = list(called)
        store.gate.set()
        await hub.loop.wait_idle()

    assert (at_work, called) == ([1], [1, 2])


TAKE = Incoming(input=TakeOldest(queue="slack", labels=frozenset(), take="t1", by="bot"))


async def one_that_waits(hub: Hub) -> None:
    """A first take, decided at once, and a second that waits for others."""
    hub.loop.put(TAKE)
    await hub.loop.wait_idle()
    hub.loop.put(TAKE)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(hub.loop) == 1


async def test_takes_wait_for_each_other_until_something_is_in_a_hurry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop_module, "SHARE_S", 600.0)
    async with a_hub() as hub:
        await one_that_waits(hub)
        hub.loop.put(Incoming(input=Mark(rows=())))
        await hub.loop.wait_idle()

        assert len(hub.loop) == 0


async def test_host_that_stops_decides_the_take_that_waits_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop_module, "SHARE_S", 600.0)
    async with a_hub() as hub:
        await one_that_waits(hub)

    assert len(hub.loop) == 0
