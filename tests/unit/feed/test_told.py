"""What the directory tells others, and how a store that went back in time is noticed."""

import pytest

from floe.feed.directory_sync import GONE_BACK
from floe.host.result import StepResult
from floe.hub.hub import Hub
from floe.model.message import Envelope, Message, Rows, RowsAfter
from floe.model.refs import HostId, StoreId
from floe.store.base import Batch
from floe.store.memory import MemoryStore
from tests.hands import a_hub
from tests.make_store import a_batch, a_note, a_run, a_summary, an_append

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
    hub.sync.hear(
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


async def test_row_that_is_on_the_disk_is_told() -> None:
    async with a_hub() as hub:
        hub.sync.stored(decided(1, promise=True), 1)

        news = hub.sync.directory.news()

    assert news == Rows(after=0, upto=1, rows=(a_summary(a_run(1)),))


async def test_row_that_the_power_may_take_is_told_with_the_next_promise() -> None:
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


async def test_question_to_the_store_before_says_nothing_of_this_one() -> None:
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
