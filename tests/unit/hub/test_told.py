"""What the directory tells others, and how a store that went back in time is noticed."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from floe.hub.decided import Decided
from floe.hub.lists import GONE_BACK, Lists
from floe.hub.words import Addressed, Mark
from floe.model.message import Envelope, Message, Rows, RowsAfter
from floe.model.refs import HostId, StoreId
from floe.store.base import Batch, LedgerWrite
from floe.store.memory import MemoryStore
from tests.hands import HandClock
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


@dataclass
class Told:
    """Lists with what they say to their host."""

    lists: Lists
    words: list[Addressed] = field(default_factory=list)

    def hear(self, message: Message, to: str = HERE) -> None:
        self.lists.hear(
            Envelope(
                from_host=HostId("h2"),
                from_store=StoreId("aaaa"),
                to_host=HostId("h1"),
                to_store=StoreId(to),
                message=message,
            )
        )

    def kept(self) -> list[LedgerWrite]:
        return [row for one in self.words if isinstance(one.word, Mark) for row in one.word.rows]


async def a_told(store: MemoryStore | None = None) -> Told:
    store = store or BootedStore()
    await store.open()
    words: list[Addressed] = []

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        work.close()

    lists = Lists(store, HandClock(), words.append, lambda *_: None, spawn)
    await lists.open()
    return Told(lists, words)


def decided(serial: int, *, promise: bool) -> Decided:
    run = a_run(serial)
    return Decided(appends=(an_append(run, summary=a_summary(run)),), promise=promise)


async def test_row_that_is_on_the_disk_is_told() -> None:
    told = await a_told()

    told.lists.stored(decided(1, promise=True), 1)

    assert told.lists.directory.news() == Rows(after=0, upto=1, rows=(a_summary(a_run(1)),))


async def test_row_that_the_power_may_take_is_told_with_the_next_promise() -> None:
    told = await a_told()

    told.lists.stored(decided(1, promise=False), 1)
    before = told.lists.directory.news()
    told.lists.stored(decided(2, promise=True), 2)

    both = (a_summary(a_run(1)), a_summary(a_run(2)))
    assert before is None
    assert told.lists.directory.news() == Rows(after=0, upto=2, rows=both)


async def test_head_is_of_what_is_on_the_disk() -> None:
    told = await a_told()

    told.lists.stored(decided(1, promise=False), 1)

    assert told.lists.directory.head == 0


async def test_store_that_others_know_more_of_than_it_has_has_gone_back() -> None:
    store = BootedStore()
    await store.open()
    await store.append(a_batch(an_append(a_run(), 0, 5)))
    told = await a_told(store)

    told.hear(RowsAfter(after=6))

    assert told.lists.has_gone_back


async def test_store_that_others_know_all_of_has_not() -> None:
    store = BootedStore()
    await store.open()
    await store.append(a_batch(an_append(a_run(), 0, 5)))
    told = await a_told(store)

    told.hear(RowsAfter(after=5))

    assert not told.lists.has_gone_back


@pytest.mark.parametrize(("after", "is_back"), [(10, False), (11, True), (99, True), (100, False)])
async def test_position_that_another_boot_left_out_was_given_by_another_copy(
    after: int, is_back: bool
) -> None:
    store = BootedStore()
    store.left_out = range(11, 100)
    told = await a_told(store)

    told.hear(RowsAfter(after=after))

    assert told.lists.has_gone_back is is_back


async def test_question_to_the_store_before_says_nothing_of_this_one() -> None:
    told = await a_told()

    told.hear(RowsAfter(after=6), to="gone")

    assert not told.lists.has_gone_back


async def test_that_a_store_has_gone_back_is_kept_once() -> None:
    told = await a_told()

    told.hear(RowsAfter(after=6))
    told.hear(RowsAfter(after=7))

    assert told.kept() == [a_note(HERE, 6, GONE_BACK)]


@pytest.mark.parametrize(("store_id", "is_back"), [(HERE, True), ("gone", False)])
async def test_store_has_gone_back_until_it_has_another_id(store_id: str, is_back: bool) -> None:
    store = BootedStore()
    await store.open()
    await store.append(Batch(ledger=(a_note(store_id, 6, GONE_BACK),)))

    assert (await a_told(store)).lists.has_gone_back is is_back
