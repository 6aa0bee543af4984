"""The directory of a hub: rows that it sends, a store that went back, and lost runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from floe.feed.directory import offered
from floe.feed.directory_sync import GONE_BACK
from floe.host.step_result import StepResult
from floe.hub.hub import Hub
from floe.model.errors import StoreFailed
from floe.model.ids import HostId, RunRef, StoreId
from floe.model.peer_message import Envelope, Message, Rows, RowsAfter
from floe.model.run import Pruned
from floe.model.summary import Summary
from floe.store.base import Batch, LedgerWrite, RunQuery
from floe.store.memory import MemoryStore
from tests.hands import a_hub
from tests.make import NOW
from tests.make_peers import a_ping, some_peers
from tests.make_store import a_batch, a_note, a_run, a_summary, an_append

H2, H3 = HostId("h2"), HostId("h3")
OPEN = RunQuery(states=frozenset({"pending", "active"}))
ENDED = RunQuery(states=frozenset({"archive"}))
AT_H2 = {"state": "active", "phase": "active", "host": H2, "store": StoreId("aaaa"), "seq": 3}


def of_h2(serial: int = 1) -> Summary:
    """A run that h2 adopted and runs."""
    return a_summary(a_run(serial, host="h2", store="aaaa"), **AT_H2)


OF_H3 = a_summary(a_run(host="h3", store="bbbb"), **AT_H2)
"""A run that h3 adopted and h2 runs."""


@asynccontextmanager
async def a_host(store: MemoryStore | None = None) -> AsyncIterator[Hub]:
    """A hub that has two others."""
    made = {"store": store or MemoryStore(), "peers": some_peers(), "host": {"peers": 2}}
    async with a_hub(**made) as hub:
        yield hub


def says(hub: Hub, host: HostId, store: str, *messages: Message) -> None:
    """Another host says something."""
    assert hub.gateway is not None
    for message in messages:
        hub.gateway.receive(
            Envelope(
                from_host=host,
                from_store=StoreId(store),
                to_host=None,
                to_store=None,
                message=message,
            )
        )


async def told_to_reload(hub: Hub) -> None:
    """Forget h2, and wait until who listens is told that there is more than it heard."""
    with hub.feed.subscribe() as listener:
        await hub.forget(H2, StoreId("aaaa"), force=True)
        while "reset" not in {frame.kind for frame in await listener.take()}:
            pass


async def whys(hub: Hub, query: RunQuery) -> list[str]:
    return [row.why for row in (await hub.reads.runs(query)).runs]


async def test_runs_of_a_forgotten_host_leave_the_lists_of_what_is_open() -> None:
    async with a_host() as hub:
        rows = Rows(after=0, upto=3, rows=(of_h2(1), of_h2(2)))
        says(hub, H2, "aaaa", a_ping(), rows)

        await told_to_reload(hub)

        assert await whys(hub, OPEN) == []
        assert await whys(hub, ENDED) == ["host h2 was forgotten"] * 2


async def test_forget_that_was_stored_counts_after_a_restart() -> None:
    store = MemoryStore()
    await store.open()
    forgotten = LedgerWrite(kind="forgotten", key="h2@aaaa", value={"at": 30})
    await store.append(Batch(appends=(offered(of_h2()),), ledger=(forgotten,)))

    async with a_host(store) as hub:
        async with asyncio.timeout(60):
            while await whys(hub, OPEN):  # noqa: ASYNC110  # a row has no event of its own
                await asyncio.sleep(0)

        assert await whys(hub, ENDED) == ["host h2 was forgotten"]


async def test_row_of_a_host_that_is_left_outranks_the_end_of_a_lost_run() -> None:
    granted = replace(of_h2(), state="pending", phase="granted", host=H3, store=StoreId("bbbb"))
    taken = replace(granted, state="active", phase="active", seq=4, why="runs")
    async with a_host() as hub:
        says(hub, H2, "aaaa", a_ping(), Rows(after=0, upto=3, rows=(granted,)))
        await told_to_reload(hub)

        says(hub, H3, "bbbb", a_ping(), Rows(after=0, upto=3, rows=(taken,)))
        await hub.loop.wait_idle()

        assert await whys(hub, OPEN) == ["runs"]
        assert await whys(hub, ENDED) == []


async def test_adopter_is_asked_what_became_of_a_run_whose_host_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[Message] = []
    async with a_host() as hub:
        monkeypatch.setattr(hub.gateway, "send", lambda _, message: said.append(message))
        says(hub, H2, "aaaa", a_ping())
        says(hub, H3, "bbbb", a_ping(), Rows(after=0, upto=7, rows=(OF_H3,)))
        await hub.loop.wait_idle()
        known = replace(a_ping(), about={"head": 7})
        says(hub, H3, "bbbb", known)
        before = list(said)

        await hub.forget(H2, StoreId("aaaa"), force=True)
        async with asyncio.timeout(60):
            while not said:
                says(hub, H3, "bbbb", known)
                await asyncio.sleep(0)

        assert (before, said) == ([], [RowsAfter(after=0)])
        assert await whys(hub, OPEN) == [""]


async def test_removal_by_a_forgotten_host_leaves_the_run_that_went_on_elsewhere() -> None:
    again = replace(OF_H3, state="archive", phase="packed", host=H3, store=StoreId("bbbb"), epoch=2)
    removed = Pruned(key=again.key, flow=again.flow, at=NOW, why="max 1 run is kept")
    async with a_host() as hub:
        says(hub, H2, "aaaa", a_ping())
        await hub.forget(H2, StoreId("aaaa"), force=True)
        says(hub, H3, "bbbb", a_ping(), Rows(after=0, upto=3, rows=(again,)))

        says(hub, H2, "aaaa", Rows(after=0, upto=5, pruned=(removed,)))
        await hub.loop.wait_idle()

        assert [row.key for row in (await hub.reads.runs(ENDED)).runs] == [again.key]


async def test_removal_of_an_earlier_epoch_leaves_the_run_its_files_and_what_follows() -> None:
    other, store = of_h2(2), MemoryStore()
    async with a_host(store) as hub:
        own = a_run(1, host=hub.host.id, store=store.store_id)
        row = a_summary(own, epoch=2, seq=3, state="archive", phase="packed")
        await store.append(a_batch(an_append(own, 0, 3, epoch=2, summary=row)))
        removed = Pruned(key=own.key, flow=row.flow, at=NOW, why="it was old", epoch=1)

        says(
            hub,
            H2,
            "aaaa",
            a_ping(),
            Rows(after=0, upto=3, pruned=(removed,)),
            Rows(after=3, upto=4, rows=(other,)),
        )
        async with asyncio.timeout(60):
            while await store.ledger("directory") != {"h2@aaaa": 4}:  # noqa: ASYNC110  # no event
                await asyncio.sleep(0)

        assert await store.find(own) == row
        assert await store.find(a_run(2, host="h2", store="aaaa")) is not None
        assert await store.ledger("sweep") == {}


class UnreadableStore(MemoryStore):
    """A store that finds no row, for a reason of its disk."""

    async def find(self, run: RunRef) -> Summary | None:
        raise StoreFailed("the disk hangs", "wait")


async def test_rows_whose_removals_cannot_be_judged_are_requested_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[Message] = []
    removed = Pruned(key=OF_H3.key, flow=OF_H3.flow, at=NOW, why="it was old", epoch=1)
    async with a_host(UnreadableStore()) as hub:
        monkeypatch.setattr(hub.gateway, "send", lambda _, message: said.append(message))
        says(hub, H2, "aaaa", a_ping(), Rows(after=0, upto=3, pruned=(removed,)))
        async with asyncio.timeout(60):
            while RowsAfter(after=0) not in said:
                says(hub, H2, "aaaa", replace(a_ping(), about={"head": 3}))
                await asyncio.sleep(0)

        assert await hub.store.ledger("directory") == {}


HERE = "here"


class BootedStore(MemoryStore):
    """A store in memory that says of itself what one does after another boot of its machine."""

    left_out = range(0)

    @property
    def store_id(self) -> StoreId:
        return StoreId(HERE)

    @property
    def skipped(self) -> range:
        return self.left_out

    async def head(self) -> int:
        return max(await super().head(), self.left_out.stop)


def hear(hub: Hub, message: Message, to: str = HERE) -> None:
    """Another host says something to a store."""
    hub.sync.receive(
        Envelope(
            from_host=HostId("h2"),
            from_store=StoreId("aaaa"),
            to_host=hub.host.id,
            to_store=StoreId(to),
            message=message,
        )
    )


def decided(serial: int, *, promise: bool) -> StepResult:
    run = a_run(serial)
    return StepResult(appends=(an_append(run, summary=a_summary(run)),), promise=promise)


async def test_row_that_is_on_the_disk_is_reported() -> None:
    async with a_hub() as hub:
        hub.sync.stored(decided(1, promise=True), 1)

        news = hub.sync.directory.news()

    assert news == Rows(after=0, upto=1, rows=(a_summary(a_run(1)),))


async def test_row_that_the_power_may_take_is_reported_with_the_next_promise() -> None:
    async with a_hub() as hub:
        hub.sync.stored(decided(1, promise=False), 1)
        before = hub.sync.directory.news()
        hub.sync.stored(decided(2, promise=True), 2)

        after = hub.sync.directory.news()

    assert before is None
    assert after == Rows(after=0, upto=2, rows=(a_summary(a_run(1)), a_summary(a_run(2))))


async def test_head_is_of_what_is_on_the_disk() -> None:
    async with a_hub() as hub:
        hub.sync.stored(decided(1, promise=False), 1)

        assert hub.sync.directory.head == 0


@pytest.mark.parametrize(("after", "is_back"), [(5, False), (6, True)])
async def test_store_has_gone_back_where_others_know_more_of_it_than_it_has(
    after: int, is_back: bool
) -> None:
    store = BootedStore()
    await store.open()
    await store.append(a_batch(an_append(a_run(), 0, 5, summary=a_summary(state="archive"))))

    async with a_hub(store=store) as hub:
        hear(hub, RowsAfter(after=after))

        assert hub.sync.has_gone_back is is_back


@pytest.mark.parametrize(("after", "is_back"), [(10, False), (11, True), (99, True), (100, False)])
async def test_position_that_another_boot_left_out_was_given_by_another_copy(
    after: int, is_back: bool
) -> None:
    store = BootedStore()
    store.left_out = range(11, 100)

    async with a_hub(store=store) as hub:
        hear(hub, RowsAfter(after=after))

        assert hub.sync.has_gone_back is is_back


async def test_question_to_the_store_before_reports_nothing_of_this_one() -> None:
    async with a_hub(store=BootedStore()) as hub:
        hear(hub, RowsAfter(after=6), to="gone")

        assert not hub.sync.has_gone_back


async def test_that_a_store_has_gone_back_is_kept_as_it_was_noticed_first() -> None:
    async with a_hub(store=BootedStore()) as hub:
        hear(hub, RowsAfter(after=6))
        hear(hub, RowsAfter(after=7))
        await hub.loop.wait_idle()

        assert await hub.store.ledger(GONE_BACK) == {HERE: 6}


@pytest.mark.parametrize(("store_id", "is_back"), [(HERE, True), ("gone", False)])
async def test_store_has_gone_back_until_it_has_another_id(store_id: str, is_back: bool) -> None:
    store = BootedStore()
    await store.open()
    await store.append(Batch(ledger=(a_note(store_id, 6, GONE_BACK),)))

    async with a_hub(store=store) as hub:
        assert hub.sync.has_gone_back is is_back
