"""What `floe/store/base.py` promises, held against every implementation."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from floe.model.errors import StoreConflict, StoreFailed, Yours
from floe.model.ids import STORE, FlowId, HostId, Instant, Key, NodeId, StoreId
from floe.model.result import RunResult
from floe.model.run import State
from floe.store.base import (
    PRUNED_MAX,
    PRUNED_S,
    Append,
    Batch,
    FlowRuns,
    RunQuery,
    RunStore,
)
from floe.store.memory import MemoryStore
from floe.store.sqlite import SqliteStore
from tests.make_store import (
    NOON,
    a_batch,
    a_note,
    a_pend,
    a_record,
    a_removal,
    a_row,
    a_run,
    a_summary,
    an_append,
    keys_page_by_page,
    records_of,
)

MAKERS: dict[str, Callable[[Path], RunStore]] = {
    "memory": lambda _: MemoryStore(),
    "sqlite": lambda root: SqliteStore(root / "store"),
    "sqlite on a disk that may hang": lambda root: SqliteStore(root / "store", may_hang=True),
}


@pytest.fixture(params=MAKERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunStore]:
    """An open store of each kind."""
    made = MAKERS[request.param](tmp_path)
    await made.open()
    yield made
    await made.close()


# The log


async def test_history_gives_the_records_as_they_were_appended(store: RunStore) -> None:
    append = an_append(a_run(), 0, 3)

    await store.append(a_batch(append))

    assert records_of(await store.history(a_run())) == list(append.records)


async def test_append_continues_a_run(store: RunStore) -> None:
    first, second = an_append(a_run(), 0, 2), an_append(a_run(), 2, 2)

    await store.append(a_batch(first))
    await store.append(a_batch(second))

    assert records_of(await store.history(a_run())) == [*first.records, *second.records]


async def test_appends_to_one_run_in_one_batch_follow_one_another(store: RunStore) -> None:
    first, second = an_append(a_run(), 0, 2), an_append(a_run(), 2, 2)

    await store.append(a_batch(first, second))

    assert records_of(await store.history(a_run())) == [*first.records, *second.records]


async def test_body_of_bytes_is_read_back_as_bytes(store: RunStore) -> None:
    run = a_run()
    made = an_append(run, count=2)
    first, second = made.records
    sealed = replace(second, body=str(second.body).encode())
    await store.append(a_batch(replace(made, records=(first, sealed))))

    bodies = [stored.record.body for stored in await store.history(run)]

    assert bodies == [first.body, sealed.body]
    assert (await store.history(run))[1].record.event == second.event


async def test_history_starts_after_a_sequence_number(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 5)))

    assert [s.record.seq for s in await store.history(a_run(), after=3)] == [4, 5]


async def test_history_stops_at_its_limit(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 5)))

    assert [s.record.seq for s in await store.history(a_run(), after=1, limit=2)] == [2, 3]


async def test_history_of_an_unknown_run_is_empty(store: RunStore) -> None:
    assert list(await store.history(a_run(7))) == []


async def test_runs_of_one_host_name_and_two_stores_are_two_runs(store: RunStore) -> None:
    here, there = a_run(1, store="aaaa"), a_run(1, store="bbbb")

    await store.append(a_batch(an_append(here, 0, 1), an_append(there, 0, 2)))

    assert [len(await store.history(run)) for run in (here, there)] == [1, 2]


async def test_histories_are_those_of_each_run(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(1), 0, 2), an_append(a_run(2)), an_append(a_run(3))))
    runs = [a_run(3), a_run(9), a_run(1)]

    found = await store.histories(runs)

    assert [list(one) for one in found] == [list(await store.history(run)) for run in runs]
    assert [len(one) for one in found] == [1, 0, 2]


async def test_append_returns_the_position_of_its_last_record(store: RunStore) -> None:
    pos = await store.append(a_batch(an_append(a_run(1), 0, 2), an_append(a_run(2), 0, 1)))

    assert (await store.tail(0))[-1].pos == pos


async def test_append_without_records_returns_the_last_position(store: RunStore) -> None:
    pos = await store.append(a_batch(an_append(a_run())))

    assert await store.append(Batch(ledger=(a_note("a", 1),))) == pos


async def test_positions_begin_at_one(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 2)))

    assert [stored.pos for stored in await store.tail(0)] == [1, 2]


async def test_tail_gives_all_runs_in_the_order_of_the_appends(store: RunStore) -> None:
    appends = [an_append(a_run(2)), an_append(a_run(1)), an_append(a_run(2), 1)]

    await store.append(a_batch(*appends[:2]))
    await store.append(a_batch(appends[2]))

    tail = await store.tail(0)
    assert records_of(tail) == [record for append in appends for record in append.records]
    assert [stored.pos for stored in tail] == sorted({stored.pos for stored in tail})


async def test_tail_resumes_after_any_position(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(1), 0, 3), an_append(a_run(2), 0, 3)))
    whole = list(await store.tail(0))

    assert [list(await store.tail(stored.pos)) for stored in whole] == [
        whole[n:] for n in range(1, 7)
    ]


async def test_tail_stops_at_its_limit(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(1), 0, 3), an_append(a_run(2), 0, 3)))

    assert list(await store.tail(0, 4)) == list(await store.tail(0))[:4]


async def test_history_and_tail_agree_on_positions(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(1)), an_append(a_run(2)), an_append(a_run(1), 1)))

    tail = [stored for stored in await store.tail(0) if stored.record.run == a_run(1)]
    assert list(await store.history(a_run(1))) == tail


async def test_batches_are_stored_in_the_order_of_the_calls(store: RunStore) -> None:
    batches = [a_batch(an_append(a_run(), n), promise=n % 3 == 0) for n in range(100)]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.append(batch)) for batch in batches]

    assert [task.result() for task in tasks] == [s.pos for s in await store.tail(0)]


async def test_an_append_is_seen_as_soon_as_it_is_answered(store: RunStore) -> None:
    for n in range(20):
        await store.append(Batch(appends=(an_append(a_run(), n),), ledger=(a_note("n", n),)))

        assert len(await store.history(a_run())) == n + 1
        assert await store.row("mark", "n") == n


async def test_a_cancelled_caller_does_not_tear_its_batch(store: RunStore) -> None:
    batch = Batch(appends=(an_append(a_run(), 0, 3),), ledger=(a_note("a", 1),))
    task = asyncio.ensure_future(store.append(batch))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    await store.append(a_batch(an_append(a_run(2))))

    both = (len(await store.history(a_run())), await store.row("mark", "a"))
    assert both in {(0, None), (3, 1)}


async def test_a_cancelled_caller_does_not_keep_the_others_waiting(store: RunStore) -> None:
    tasks = [
        asyncio.ensure_future(store.append(a_batch(an_append(a_run(n))))) for n in range(1, 10)
    ]
    await asyncio.sleep(0)
    tasks[0].cancel()

    async with asyncio.timeout(10):
        answers = await asyncio.gather(*tasks[1:])

    assert len(answers) == 8


async def test_head_is_the_position_of_the_newest_event(store: RunStore) -> None:
    assert await store.head() == 0

    pos = await store.append(a_batch(an_append(a_run(), 0, 3)))
    await store.append(Batch(ledger=(a_note("a", 1),)))

    assert await store.head() == pos


async def test_new_store_leaves_no_position_out(store: RunStore) -> None:
    assert list(store.skipped) == []


# What does not fit


async def test_an_append_after_a_wrong_number_is_refused(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 2)))

    for after in (0, 1, 3):
        with pytest.raises(StoreConflict, match=f"after {after}, but the run is at 2"):
            await store.append(a_batch(an_append(a_run(), after)))

    assert len(await store.history(a_run())) == 2


async def test_a_new_run_begins_at_zero(store: RunStore) -> None:
    with pytest.raises(StoreConflict):
        await store.append(a_batch(an_append(a_run(), 1)))


async def test_an_older_epoch_is_refused(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 1, epoch=3)))

    with pytest.raises(StoreConflict, match="epoch 2, but the run is at epoch 3"):
        await store.append(a_batch(an_append(a_run(), 1, epoch=2)))

    assert len(await store.history(a_run())) == 1


async def test_the_same_and_newer_epochs_go_on(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, epoch=3)))
    await store.append(a_batch(an_append(a_run(), 1, epoch=3)))
    await store.append(a_batch(an_append(a_run(), 2, epoch=4)))

    assert [s.record.epoch for s in await store.history(a_run())] == [3, 3, 4]


async def test_a_run_arrives_with_the_older_epochs_of_its_first_events(store: RunStore) -> None:
    records = tuple(a_record(a_run(), seq, epoch) for seq, epoch in ((1, 0), (2, 1), (3, 4)))

    await store.append(a_batch(replace(an_append(a_run(), epoch=4), records=records)))

    assert records_of(await store.history(a_run())) == list(records)


async def test_epochs_do_not_fall_inside_an_append(store: RunStore) -> None:
    records = tuple(a_record(a_run(), seq, epoch) for seq, epoch in ((1, 2), (2, 1), (3, 3)))

    with pytest.raises(StoreConflict):
        await store.append(a_batch(replace(an_append(a_run(), epoch=3), records=records)))

    assert list(await store.tail(0)) == []


@pytest.mark.parametrize(
    "records",
    [
        pytest.param((a_record(a_run(), 2),), id="gap at the start"),
        pytest.param((a_record(a_run(), 1), a_record(a_run(), 3)), id="gap"),
        pytest.param((a_record(a_run(), 1), a_record(a_run(), 1)), id="twice"),
        pytest.param((a_record(a_run(2), 1),), id="of another run"),
        pytest.param((a_record(a_run(), 1, epoch=1),), id="of a later epoch"),
        pytest.param((a_record(a_run(), 1, epoch=-1),), id="of an earlier epoch"),
    ],
)
async def test_records_that_do_not_follow_are_refused(store: RunStore, records: object) -> None:
    append = replace(an_append(a_run()), records=records)  # type: ignore[arg-type]  # as given

    with pytest.raises(StoreConflict):
        await store.append(a_batch(append))

    assert list(await store.tail(0)) == []


async def test_nothing_of_a_refused_batch_is_stored(store: RunStore) -> None:
    fits = an_append(a_run(1), summary=a_summary(a_run(1)))
    batch = Batch(appends=(fits, an_append(a_run(2), 9)), ledger=(a_note("a", 1),))

    with pytest.raises(StoreConflict):
        await store.append(batch)

    assert list(await store.tail(0)) == []
    assert await store.find(a_run(1)) is None
    assert await store.ledger("mark") == {}


async def test_a_refused_batch_leaves_its_runs_where_they_were(store: RunStore) -> None:
    with pytest.raises(StoreConflict):
        await store.append(a_batch(an_append(a_run(1)), an_append(a_run(2), 9)))

    await store.append(a_batch(an_append(a_run(1))))

    assert len(await store.history(a_run(1))) == 1


async def test_a_conflict_does_not_touch_the_batches_beside_it(store: RunStore) -> None:
    batches = [a_batch(an_append(a_run(n), 0 if n % 2 else 5)) for n in range(1, 9)]

    answers = await asyncio.gather(*map(store.append, batches), return_exceptions=True)

    assert [isinstance(answer, StoreConflict) for answer in answers] == [False, True] * 4
    assert [s.record.run.serial for s in await store.tail(0)] == [1, 3, 5, 7]


async def test_of_two_racing_appends_one_wins(store: RunStore) -> None:
    rivals = [a_batch(an_append(a_run(), 0, count)) for count in (1, 2)]

    answers = await asyncio.gather(*map(store.append, rivals), return_exceptions=True)

    assert [isinstance(answer, StoreConflict) for answer in answers] == [False, True]
    assert len(await store.history(a_run())) == 1


@pytest.mark.parametrize("value", ["\ud800", float("nan")], ids=["surrogate", "nan"])
async def test_a_value_that_no_store_can_hold_fails_alone(store: RunStore, value: str) -> None:
    good, bad = a_batch(an_append(a_run())), Batch(ledger=(a_note("bad", value),))

    answers = await asyncio.gather(
        *map(store.append, (good, bad, a_batch(an_append(a_run(2))))), return_exceptions=True
    )

    assert [isinstance(answer, ValueError) for answer in answers] == [False, True, False]
    assert len(await store.tail(0)) == 2
    assert await store.ledger("mark") == {}


async def test_an_event_that_no_store_can_hold_leaves_its_run_untouched(store: RunStore) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        await store.append(a_batch(an_append(a_run(), events=[a_pend({"v": "\udfff"})])))

    await store.append(a_batch(an_append(a_run())))

    assert len(await store.history(a_run())) == 1


# Values


@pytest.mark.parametrize(
    "value",
    ["", "Grüße 你好 🙂 \u2028", "nul \0 inside", "x" * 3_000_000, "'; DROP TABLE log; --"],
    ids=["empty", "unicode", "nul", "3 MB", "sql"],
)
async def test_texts_come_back_as_they_were(store: RunStore, value: str) -> None:
    append = an_append(a_run(), events=[a_pend({"v": value})], summary=a_summary(why=value))

    await store.append(Batch(appends=(append,), ledger=(a_note(value[:99], value),)))

    assert records_of(await store.history(a_run())) == list(append.records)
    assert await store.find(a_run()) == append.summary
    assert await store.ledger("mark") == {value[:99]: value}


@pytest.mark.parametrize(
    "value", [0, False, "", [], {}, 1.5, 2**70, {"a": [1, None, {"b": "c"}]}], ids=str
)
async def test_ledger_values_keep_their_shape(store: RunStore, value: object) -> None:
    await store.append(Batch(ledger=(a_note("a", value),)))  # type: ignore[arg-type]  # is Json

    found = await store.row("mark", "a")
    assert (found, type(found)) == (value, type(value))


# The ledger


async def test_ledger_rows_are_kept_by_kind(store: RunStore) -> None:
    await store.append(Batch(ledger=(a_note("a", 1, "mark"), a_note("a", 2, "serial"))))

    assert await store.ledger("mark") == {"a": 1}
    assert await store.row("serial", "a") == 2


async def test_a_ledger_row_is_overwritten(store: RunStore) -> None:
    await store.append(Batch(ledger=(a_note("a", 1), a_note("b", 1))))
    await store.append(Batch(ledger=(a_note("a", 2),)))

    assert await store.ledger("mark") == {"a": 2, "b": 1}


async def test_none_deletes_a_ledger_row(store: RunStore) -> None:
    await store.append(Batch(ledger=(a_note("a", 1), a_note("b", 1))))
    await store.append(Batch(ledger=(a_note("a", None), a_note("never", None))))

    assert await store.ledger("mark") == {"b": 1}


async def test_of_two_writes_to_a_row_the_later_counts(store: RunStore) -> None:
    await store.append(Batch(ledger=(a_note("a", 1), a_note("a", None), a_note("a", 3))))
    await store.append(Batch(ledger=(a_note("b", 1), a_note("b", None))))

    assert await store.ledger("mark") == {"a": 3}


async def test_what_is_not_in_the_ledger_is_none(store: RunStore) -> None:
    assert await store.row("mark", "a") is None
    assert await store.ledger("mark") == {}


async def test_a_stored_value_is_not_the_callers_any_more(store: RunStore) -> None:
    value = {"refs": ["a"]}
    await store.append(Batch(ledger=(a_note("a", value),)))

    value["refs"].append("b")

    assert await store.row("mark", "a") == {"refs": ["a"]}


# The directory


async def test_find_gives_the_row_as_it_was_last_written(store: RunStore) -> None:
    row = a_summary(
        state="archive",
        phase="packed",
        good=False,
        host=HostId("h2"),
        store=StoreId("aaaa"),
        seq=2,
        started_at=NOON,
        ended_at=9,
    )
    await store.append(a_batch(an_append(a_run(), summary=a_summary())))
    await store.append(a_batch(an_append(a_run(), 1, summary=row)))

    assert await store.find(a_run()) == row


async def test_an_append_without_a_summary_leaves_the_row(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), summary=a_summary())))
    await store.append(a_batch(an_append(a_run(), 1)))

    assert await store.find(a_run()) == a_summary()


async def test_find_of_an_unknown_run_is_none(store: RunStore) -> None:
    await store.append(a_batch(a_row(a_run(1, store="aaaa"))))

    assert await store.find(a_run(1, store="bbbb")) is None


async def test_a_row_needs_no_log(store: RunStore) -> None:
    await store.append(a_batch(a_row(a_run(1, host="h2"), why="a")))
    await store.append(a_batch(a_row(a_run(1, host="h2"), why="b", seq=2)))

    assert [row.why for row in (await store.runs(RunQuery())).runs] == ["b"]
    assert list(await store.tail(0)) == []


OLDER_TO_NEWER = [
    {"epoch": 0, "seq": 1},
    {"epoch": 0, "seq": 4},
    {"epoch": 1, "seq": 2},
    {"epoch": 1, "seq": 30},
    {"epoch": 2, "seq": 3},
]


async def why_of(store: RunStore, *rows: Append) -> str:
    """What the row says after these were stored, one after another."""
    for row in rows:
        await store.append(a_batch(row))
    found = await store.find(a_run())
    assert found is not None
    return found.why


@pytest.mark.parametrize("older", range(4))
@pytest.mark.parametrize("together", [False, True])
async def test_a_row_replaces_only_an_older_one(
    store: RunStore, older: int, together: bool
) -> None:
    old = a_row(a_run(), why="old", **OLDER_TO_NEWER[older])
    new = a_row(a_run(), why="new", **OLDER_TO_NEWER[older + 1])

    if together:
        await store.append(a_batch(old, new, old))

    assert await why_of(store, old, new, old) == "new"


async def test_a_row_received_twice_stays(store: RunStore) -> None:
    row = a_row(a_run(), why="first")

    assert await why_of(store, row, a_row(a_run(), why="other")) == "first"


async def test_a_row_of_old_facts_does_not_replace_one_that_was_received(store: RunStore) -> None:
    heard = a_row(a_run(), why="heard", epoch=1, seq=30)
    own = an_append(a_run(), 0, 3, epoch=1, summary=a_summary(why="own", epoch=1, seq=3))

    assert await why_of(store, heard, own) == "heard"


async def test_a_row_is_received_of_a_run_whatever_its_log_here(store: RunStore) -> None:
    own = an_append(a_run(), 0, 3, epoch=2, summary=a_summary(why="own", epoch=2, seq=3))
    late = a_row(a_run(), why="late", epoch=1, seq=30)
    heard = a_row(a_run(), why="heard", epoch=3, seq=2)

    assert await why_of(store, own, late, heard) == "heard"
    assert len(await store.history(a_run())) == 3


async def test_a_log_goes_on_after_a_row_was_received(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 2), a_row(a_run(), epoch=1, seq=9)))

    await store.append(a_batch(a_row(a_run(), epoch=1, seq=10), an_append(a_run(), 2)))

    assert [s.record.seq for s in await store.history(a_run())] == [1, 2, 3]


async def changed(store: RunStore, after: int = 0, limit: int = 99) -> list[tuple[int, str]]:
    return [(change.pos, change.row.why) for change in await store.changes(after, limit)]


async def test_changes_are_own_rows_in_the_order_of_their_last_change(store: RunStore) -> None:
    await store.append(
        a_batch(
            an_append(a_run(1), 0, 2, summary=a_summary(a_run(1), why="one", seq=2)),
            an_append(a_run(2), 0, 1, summary=a_summary(a_run(2), why="two")),
            a_row(a_run(1, host="h2"), why="heard"),
        )
    )
    await store.append(a_batch(an_append(a_run(3))))
    await store.append(
        a_batch(an_append(a_run(1), 2, summary=a_summary(a_run(1), why="one again", seq=3)))
    )

    assert await changed(store) == [(3, "two"), (5, "one again")]
    assert await changed(store, after=3) == [(5, "one again")]
    assert await changed(store, limit=1) == [(3, "two")]
    assert await changed(store, after=5) == []


async def test_own_row_that_another_host_outdid_is_reported_as_it_is_now(store: RunStore) -> None:
    own = an_append(a_run(), summary=a_summary(why="own"))
    later = an_append(a_run(2), summary=a_summary(a_run(2), why="later"))
    await store.append(a_batch(own, later))

    await store.append(a_batch(a_row(a_run(), why="heard", epoch=1, seq=5)))

    assert await changed(store) == [(1, "heard"), (2, "later")]


async def test_own_row_that_was_outdone_in_its_own_batch_is_reported(store: RunStore) -> None:
    own = an_append(a_run(), summary=a_summary(why="own"))

    await store.append(a_batch(own, a_row(a_run(), why="heard", epoch=1, seq=5)))

    assert await changed(store) == [(1, "heard")]


async def test_row_that_came_before_its_log_is_no_change_of_ones_own(store: RunStore) -> None:
    await store.append(a_batch(a_row(a_run(), why="heard", epoch=1, seq=5)))

    await store.append(a_batch(an_append(a_run(), summary=a_summary(why="old"))))

    assert await changed(store) == []


async def test_run_that_is_over_without_a_fact_leaves_its_list(store: RunStore) -> None:
    active = a_row(a_run(), state="active", why="runs", seq=5)
    over = a_row(a_run(), state="archive", why="lost", seq=5)

    assert await why_of(store, active, over, active) == "lost"


async def test_fact_that_follows_outranks_an_end_without_one(store: RunStore) -> None:
    over = a_row(a_run(), state="archive", why="lost", seq=5)
    taken = a_row(a_run(), state="active", why="taken", seq=6)

    assert await why_of(store, over, taken, over) == "taken"


async def test_older_row_that_was_received_leaves_the_change(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 2, summary=a_summary(why="own", seq=2))))

    await store.append(a_batch(a_row(a_run(), why="late", seq=1)))

    assert await changed(store) == [(2, "own")]


async def test_runs_come_newest_first_then_by_key(store: RunStore) -> None:
    times = {1: 10, 2: 30, 3: 20, 4: 20}
    await store.append(a_batch(*[a_row(a_run(n), pended_at=at) for n, at in times.items()]))

    assert [row.id for row in (await store.runs(RunQuery())).runs] == [
        "h1-2",
        "h1-4",
        "h1-3",
        "h1-1",
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 50])
async def test_pages_join_without_gap_or_repeat(store: RunStore, limit: int) -> None:
    rows = [a_row(a_run(n), pended_at=n // 3) for n in range(1, 8)]
    await store.append(a_batch(*rows))

    keys = await keys_page_by_page(store, RunQuery(limit=limit))

    assert keys == [a_run(n).key for n in (7, 6, 5, 4, 3, 2, 1)]


async def test_the_last_page_has_no_next(store: RunStore) -> None:
    await store.append(a_batch(*[a_row(a_run(n)) for n in range(1, 5)]))

    pages = [await store.runs(RunQuery(limit=limit)) for limit in (3, 4, 5)]

    assert [bool(page.next) for page in pages] == [True, False, False]


async def test_runs_added_between_pages_do_not_shift_them(store: RunStore) -> None:
    await store.append(a_batch(*[a_row(a_run(n)) for n in range(1, 7)]))
    first = await store.runs(RunQuery(limit=3))

    await store.append(a_batch(*[a_row(a_run(n)) for n in range(7, 12)]))

    rest = await store.runs(RunQuery(limit=3, cursor=first.next))
    assert [row.id for row in (*first.runs, *rest.runs)] == [f"h1-{n}" for n in (6, 5, 4, 3, 2, 1)]


async def test_a_cursor_outlives_the_row_it_names(store: RunStore) -> None:
    await store.append(a_batch(*[a_row(a_run(n)) for n in range(1, 5)]))
    first = await store.runs(RunQuery(limit=2, states=frozenset({"pending"})))

    await store.append(a_batch(a_row(a_run(3), state="active", seq=2)))

    rest = await store.runs(RunQuery(limit=2, states=frozenset({"pending"}), cursor=first.next))
    assert [row.id for row in rest.runs] == ["h1-2", "h1-1"]


@pytest.mark.parametrize("cursor", ["x", "12", "1.h1", ".h1-1@k3f9", "é.h1-1@k3f9", "1" * 400])
async def test_an_unreadable_cursor_is_the_callers_mistake(store: RunStore, cursor: str) -> None:
    with pytest.raises(Yours, match="is not a cursor"):
        await store.runs(RunQuery(cursor=cursor))


def an_end(n: int, good: bool, flow: str = "build") -> Append:
    """The row of a run that ended a moment after it was pended."""
    fields = {"flow": FlowId(flow), "state": "archive", "good": good}
    return a_row(a_run(n), **fields, pended_at=Instant(n * 10), ended_at=Instant(n * 10 + 5))


@pytest.mark.parametrize(
    ("ends", "bad", "since", "has_more"),
    [
        ([], 0, None, False),
        ([True], 0, None, False),
        ([False], 1, 15, False),
        ([False, True], 0, None, False),
        ([False, True, False], 1, 35, False),
        ([True, False, False, False], 3, 25, False),
        ([False, False, False, False], 3, 25, True),
        ([True, False, False, False, False], 3, 35, True),
    ],
)
async def test_bad_runs_of_a_flow_are_counted_since_its_last_good_one(
    store: RunStore, ends: list[bool], bad: int, since: int | None, has_more: bool
) -> None:
    rows = [an_end(n, good) for n, good in enumerate(ends, 1)]
    await store.append(a_batch(*rows, an_end(20, not bad, flow="test")))

    found = (await store.flow_runs([FlowId("build")], 3)).get(FlowId("build"), FlowRuns())

    assert (found.bad, found.bad_since, found.has_more) == (bad, since, has_more)


@pytest.mark.parametrize("result", ["cancelled", "rejected"])
async def test_run_that_a_person_ended_is_no_failure_of_its_flow(
    store: RunStore, result: RunResult
) -> None:
    ended = a_row(a_run(2), state="archive", good=False, result=result, pended_at=Instant(20))
    await store.append(a_batch(an_end(1, good=False), ended, an_end(3, good=False)))

    found = (await store.flow_runs([FlowId("build")], 3))[FlowId("build")]

    assert (found.bad, found.bad_since) == (2, 15)


async def test_failure_that_a_parent_waited_for_is_none_of_its_flow(store: RunStore) -> None:
    parent = f"{a_run(9).key}.1.deploy.1.1"
    fields = {"state": "archive", "good": False, "result": "bad", "pended_at": Instant(20)}
    child = a_row(a_run(2), parent=parent, awaited=True, **fields)
    await store.append(a_batch(an_end(1, good=False), child, an_end(3, good=False)))

    found = (await store.flow_runs([FlowId("build")], 3))[FlowId("build")]

    assert found.bad == 2


async def test_row_keeps_title_values_and_result(store: RunStore) -> None:
    row = a_summary(
        state="archive", good=False, result="stalled", title="main · c0ffee0", terms="main"
    )
    await store.append(a_batch(Append(run=a_run(), epoch=0, after=0, records=(), summary=row)))

    assert await store.find(a_run()) == row


@pytest.mark.parametrize("state", ["pending", "active"])
async def test_newest_run_of_a_flow_is_found_in_any_state(store: RunStore, state: State) -> None:
    newest = a_row(a_run(3), state=state, pended_at=Instant(30))
    await store.append(a_batch(newest, an_end(2, good=False), an_end(1, good=True)))

    found = (await store.flow_runs([FlowId("build")], 3))[FlowId("build")]

    assert (found.last, found.bad) == (newest.summary, 1)


async def test_runs_of_several_flows_are_found_together(store: RunStore) -> None:
    await store.append(a_batch(an_end(1, good=True), an_end(2, good=False, flow="test")))

    found = await store.flow_runs([FlowId("build"), FlowId("test"), FlowId("never")], 3)

    keys = {flow: runs.last.key for flow, runs in found.items() if runs.last is not None}
    assert keys == {"build": a_run(1).key, "test": a_run(2).key}


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_of_nothing_is_the_callers_mistake(store: RunStore, limit: int) -> None:
    with pytest.raises(Yours, match="below 1"):
        await store.runs(RunQuery(limit=limit))


async def given_all_sorts(store: RunStore) -> None:
    """Runs 1 to 6, told apart by every filter."""
    sorts: list[tuple[State, RunResult | None, str, str | None]] = [
        ("pending", None, "build", None),
        ("active", None, "build", "h1"),
        ("active", None, "deploy", "h2"),
        ("archive", "good", "build", "h1"),
        ("archive", "bad", "build", "h2"),
        ("archive", "rejected", "deploy", "h1"),
    ]
    await store.append(
        a_batch(
            *[
                a_row(
                    a_run(n),
                    state=state,
                    good=None if result is None else result == "good",
                    result=result,
                    flow=flow,
                    host=host,
                )
                for n, (state, result, flow, host) in enumerate(sorts, 1)
            ]
        )
    )


@pytest.mark.parametrize(
    ("query", "serials"),
    [
        (RunQuery(), [6, 5, 4, 3, 2, 1]),
        (RunQuery(flow=FlowId("build")), [5, 4, 2, 1]),
        (RunQuery(flow=FlowId("none")), []),
        (RunQuery(states=frozenset({"pending"})), [1]),
        (RunQuery(states=frozenset({"pending", "active"})), [3, 2, 1]),
        (RunQuery(states=frozenset({"pending", "active", "archive"})), [6, 5, 4, 3, 2, 1]),
        (RunQuery(good=True), [4]),
        (RunQuery(good=False), [6, 5]),
        (RunQuery(host=HostId("h1")), [6, 4, 2]),
        (RunQuery(flow=FlowId("build"), states=frozenset({"archive"})), [5, 4]),
        (RunQuery(flow=FlowId("build"), host=HostId("h1")), [4, 2]),
        (RunQuery(host=HostId("h1"), good=False), [6]),
        (RunQuery(flow=FlowId("build"), host=HostId("h2"), good=False), [5]),
        (RunQuery(states=frozenset({"active"}), good=False), []),
        (RunQuery(results=frozenset({"rejected"})), [6]),
        (RunQuery(results=frozenset({"good", "stalled", "rejected"})), [6, 4]),
        (RunQuery(results=frozenset({"good"}), good=False), []),
        (RunQuery(results=frozenset({"bad"}), flow=FlowId("build"), host=HostId("h2")), [5]),
        (RunQuery(results=frozenset({"bad"}), states=frozenset({"active"})), []),
        (RunQuery(since=Instant(NOON + 5)), [6, 5]),
        (RunQuery(until=Instant(NOON + 3)), [2, 1]),
        (RunQuery(since=Instant(NOON + 2), until=Instant(NOON + 5), host=HostId("h1")), [4, 2]),
    ],
)
async def test_filters_are_joined_by_and(
    store: RunStore, query: RunQuery, serials: list[int]
) -> None:
    await given_all_sorts(store)

    keys = await keys_page_by_page(store, query)

    assert keys == [a_run(n).key for n in serials]
    assert await keys_page_by_page(store, replace(query, limit=1)) == keys


@pytest.mark.parametrize(
    ("query", "serials"),
    [
        (RunQuery(parent=a_run(1).key), [5, 4, 2]),
        (RunQuery(parent=a_run(1).key, states=frozenset({"pending", "active"})), [5, 2]),
        (RunQuery(parent=a_run(1).key, results=frozenset({"bad"})), [4]),
        (RunQuery(parent=a_run(1).key, good=False), [4]),
        (RunQuery(parent=a_run(1).key, flow=FlowId("deploy")), []),
        (RunQuery(parent=a_run(2).key), []),
        (RunQuery(parent=a_run(10).key), [3]),
    ],
)
async def test_child_runs_of_a_run_are_found(
    store: RunStore, query: RunQuery, serials: list[int]
) -> None:
    first, tenth = (str(Key(a_run(n), 1, NodeId("go"), 1, 1)) for n in (1, 10))
    rows = [
        a_row(a_run(2), parent=first, state="active"),
        a_row(a_run(3), parent=tenth, state="active"),
        a_row(a_run(4), parent=first, state="archive", good=False, result="bad"),
        a_row(a_run(5), parent=first, state="pending"),
        a_row(a_run(6), state="pending"),
    ]
    await store.append(a_batch(*rows))

    keys = await keys_page_by_page(store, query)

    assert keys == [a_run(n).key for n in serials]
    assert await keys_page_by_page(store, replace(query, limit=1)) == keys


async def test_a_row_that_changed_moves_between_lists(store: RunStore) -> None:
    await store.append(a_batch(a_row(a_run())))
    await store.append(a_batch(a_row(a_run(), state="archive", good=True, host="h2", seq=2)))

    assert await keys_page_by_page(store, RunQuery(states=frozenset({"pending"}))) == []
    assert await keys_page_by_page(store, RunQuery(good=True, host=HostId("h2"))) == [a_run().key]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("H1-1", True),
        ("uil", True),
        ("LOST", True),
        ("jörg", True),
        ("JÖRG", True),
        ("nightly", True),
        ("100%", True),
        ("1000", False),
        ("_ost", False),
        ("k3f9", False),
        ("ann", False),
        ("wiDget 7", True),
        ("staging", True),
    ],
)
async def test_text_is_a_part_of_what_a_reader_sees(
    store: RunStore, text: str, found: bool
) -> None:
    await store.append(
        a_batch(
            a_row(
                a_run(),
                why="Lost at 100% with h2",
                by="Jörg",
                trigger="nightly",
                title="Widget 7",
                terms="7\nstaging",
            )
        )
    )

    assert bool(await keys_page_by_page(store, RunQuery(text=text))) is found


async def test_text_goes_with_the_other_filters(store: RunStore) -> None:
    await given_all_sorts(store)

    keys = await keys_page_by_page(store, RunQuery(text="BUILD", good=False, limit=1))

    assert keys == [a_run(5).key]


# Opening and closing


async def test_a_store_id_is_an_id(store: RunStore) -> None:
    assert STORE.fullmatch(store.store_id)


async def test_two_stores_have_two_ids(store: RunStore, tmp_path: Path) -> None:
    other = SqliteStore(tmp_path / "other")
    await other.open()

    assert other.store_id != store.store_id

    await other.close()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
async def test_close_before_open_does_nothing(
    make: Callable[[Path], RunStore], tmp_path: Path
) -> None:
    store = make(tmp_path)

    await store.close()
    await store.open()

    assert await store.append(a_batch(an_append(a_run()))) == 1
    await store.close()


async def test_close_may_be_called_again(store: RunStore) -> None:
    await store.close()
    await store.close()


async def test_a_second_open_changes_nothing(store: RunStore) -> None:
    before = store.store_id

    await store.open()

    assert store.store_id == before
    assert await store.append(a_batch(an_append(a_run()))) == 1


async def test_close_finishes_what_was_accepted(store: RunStore) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.append(a_batch(an_append(a_run(), n)))) for n in range(50)]
        await asyncio.sleep(0)
        await store.close()
    await store.open()

    assert [task.result() for task in tasks] == [s.pos for s in await store.tail(0)]


async def test_a_closed_store_refuses(store: RunStore) -> None:
    await store.close()

    for call in (
        store.append(a_batch(an_append(a_run()))),
        store.history(a_run()),
        store.tail(0),
        store.head(),
        store.runs(RunQuery()),
        store.find(a_run()),
        store.ledger("mark"),
        store.row("mark", "a"),
    ):
        with pytest.raises(StoreFailed, match="not open"):
            await call


async def test_reopening_finds_what_was_stored(store: RunStore) -> None:
    append = an_append(a_run(), 0, 3, epoch=2, summary=a_summary())
    await store.append(Batch(appends=(append,), ledger=(a_note("a", 1),)))
    before = store.store_id
    pos = (await store.tail(0))[-1].pos

    await store.close()
    await store.open()

    assert store.store_id == before
    assert records_of(await store.history(a_run())) == list(append.records)
    assert await store.find(a_run()) == append.summary
    assert await store.ledger("mark") == {"a": 1}
    with pytest.raises(StoreConflict):
        await store.append(a_batch(an_append(a_run(), 3, epoch=1)))
    assert await store.head() == pos
    assert await store.append(Batch(ledger=(a_note("a", 2),))) == pos
    assert await store.append(a_batch(an_append(a_run(), 3, epoch=2))) > pos


# Removed runs


async def test_a_removed_run_has_neither_log_nor_row(store: RunStore) -> None:
    gone, kept = a_run(1), a_run(2)
    for run in (gone, kept):
        await store.append(a_batch(an_append(run, 0, 2, summary=a_summary(run))))

    await store.append(Batch(prunes=(a_removal(gone),)))

    assert await store.history(gone) == ()
    assert await store.find(gone) is None
    assert [row.key for row in (await store.runs(RunQuery())).runs] == [kept.key]
    assert [stored.record.run for stored in await store.tail(0)] == [kept, kept]


async def test_a_store_knows_when_and_why_a_run_was_removed(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), summary=a_summary())))

    await store.append(Batch(prunes=(a_removal(),)))

    assert await store.pruned(a_run()) == a_removal()
    assert await store.pruned(a_run(2)) is None


async def test_a_run_leaves_a_trace_by_its_log_its_removal_or_a_ledger_row(
    store: RunStore,
) -> None:
    logged, removed, noted = a_run(1), a_run(2), a_run(3)
    for run in (logged, removed):
        await store.append(a_batch(an_append(run, summary=a_summary(run))))
    await store.append(Batch(prunes=(a_removal(removed),)))
    await store.append(Batch(ledger=(a_note(noted.key, 7, "floor"),)))

    assert await store.traces(logged, "floor") == (True, None)
    assert await store.traces(removed, "floor") == (True, None)
    assert await store.traces(noted, "floor") == (False, 7)
    assert await store.traces(noted, "once") == (False, None)


async def test_the_idempotency_keys_of_a_removed_run_stay(store: RunStore) -> None:
    await store.append(Batch(ledger=(a_note("k1", a_run(1).key, "once"),)))

    await store.append(Batch(prunes=(a_removal(a_run(1)),)))

    assert await store.ledger("once") == {"k1": a_run(1).key}


async def test_the_position_of_a_removed_event_is_not_used_again(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), 0, 3, summary=a_summary())))
    removed_at = await store.append(Batch(prunes=(a_removal(),)))
    await store.close()
    await store.open()

    assert await store.head() >= removed_at > 3
    assert await store.append(a_batch(an_append(a_run(2)))) > removed_at


async def test_an_offered_row_of_a_removed_run_is_ignored(store: RunStore) -> None:
    await store.append(Batch(prunes=(a_removal(),)))

    await store.append(a_batch(a_row(a_run(), epoch=1, seq=9)))

    assert await store.find(a_run()) is None


async def test_the_removal_of_an_earlier_epoch_leaves_the_run(store: RunStore) -> None:
    row = a_summary(epoch=2, seq=3)
    await store.append(a_batch(an_append(a_run(), 0, 3, epoch=2, summary=row)))

    await store.append(Batch(prunes=(a_removal(epoch=1),)))

    assert await store.find(a_run()) == row
    assert len(await store.history(a_run())) == 3
    assert await store.pruned(a_run()) is None


@pytest.mark.parametrize("epoch", [2, 3, None])
async def test_the_removal_of_the_same_epoch_a_later_or_all_takes_the_run(
    store: RunStore, epoch: int | None
) -> None:
    row = a_summary(epoch=2, seq=3)
    await store.append(a_batch(an_append(a_run(), 0, 3, epoch=2, summary=row)))

    await store.append(Batch(prunes=(a_removal(epoch=epoch),)))

    assert await store.find(a_run()) is None
    assert await store.pruned(a_run()) == a_removal(epoch=epoch)


@pytest.mark.parametrize(("epoch", "is_taken"), [(1, False), (2, False), (3, True)])
async def test_an_offered_row_of_a_later_epoch_than_the_removed_one_counts(
    store: RunStore, epoch: int, is_taken: bool
) -> None:
    await store.append(Batch(prunes=(a_removal(epoch=2),)))

    await store.append(a_batch(a_row(a_run(), epoch=epoch, seq=9)))

    assert (await store.find(a_run()) is not None) is is_taken


@pytest.mark.parametrize(("first", "then", "kept"), [(2, 1, 2), (1, 2, 2), (None, 2, None)])
async def test_a_second_removal_brings_back_no_epoch(
    store: RunStore, first: int | None, then: int, kept: int | None
) -> None:
    await store.append(Batch(prunes=(a_removal(epoch=first),)))

    await store.append(Batch(prunes=(a_removal(epoch=then),)))

    assert await store.pruned(a_run()) == a_removal(epoch=kept)


async def test_changes_report_the_removal_of_an_own_run(store: RunStore) -> None:
    own, other = a_run(1), a_run(2, host="h2")
    at = await store.append(a_batch(an_append(own, summary=a_summary(own)), a_row(other)))

    await store.append(Batch(prunes=(a_removal(own), a_removal(other))))

    assert [change.row for change in await store.changes(0, 99)] == [a_removal(own)]
    assert [change.pos > at for change in await store.changes(at, 99)] == [True]


async def test_changes_are_in_the_order_of_rows_and_removals(store: RunStore) -> None:
    for serial in (1, 2):
        await store.append(a_batch(an_append(a_run(serial), summary=a_summary(a_run(serial)))))
    await store.append(Batch(prunes=(a_removal(a_run(1)),)))
    await store.append(a_batch(an_append(a_run(3), summary=a_summary(a_run(3)))))

    found = [change.row.key for change in await store.changes(0, 99)]

    assert found == [a_run(n).key for n in (2, 1, 3)]
    assert [change.row.key for change in await store.changes(0, 2)] == found[:2]


async def test_a_refused_batch_removes_nothing(store: RunStore) -> None:
    await store.append(a_batch(an_append(a_run(), summary=a_summary())))
    wrong = an_append(a_run(2), after=7)

    with pytest.raises(StoreConflict):
        await store.append(Batch(appends=(wrong,), prunes=(a_removal(),)))

    assert await store.find(a_run()) is not None
    assert await store.pruned(a_run()) is None


async def test_old_removals_are_forgotten_but_for_the_latest(store: RunStore) -> None:
    many = PRUNED_MAX + 3
    late = NOON + PRUNED_S * 1000 + many + 1
    removals = [a_removal(a_run(n), at=NOON + n) for n in range(1, many)]
    await store.append(Batch(prunes=removals))

    await store.append(Batch(prunes=(a_removal(a_run(many), at=late),)))

    known = [n for n in range(1, 6) if await store.pruned(a_run(n))]
    assert known == [4, 5]


async def test_idempotency_keys_are_forgotten_with_the_removal_of_their_run(
    store: RunStore,
) -> None:
    late = NOON + PRUNED_S * 1000 + PRUNED_MAX + 1
    notes = [a_note(f"k{n}", a_run(n).key, "once") for n in (1, 2)]
    removals = [a_removal(a_run(n), at=NOON + n) for n in range(1, PRUNED_MAX + 1)]
    await store.append(Batch(ledger=notes, prunes=removals))

    await store.append(Batch(prunes=(a_removal(a_run(PRUNED_MAX + 1), at=late),)))

    assert await store.ledger("once") == {"k2": a_run(2).key}


async def test_removals_of_the_last_three_days_are_known_however_many(store: RunStore) -> None:
    many = PRUNED_MAX + 3
    removals = [a_removal(a_run(n), at=NOON + n) for n in range(1, many)]

    await store.append(Batch(prunes=removals))

    assert await store.pruned(a_run(1)) is not None


async def test_runs_that_are_repeated_are_found(store: RunStore) -> None:
    again = a_summary(a_run(3), rerun_of=a_run(1).key)
    await store.append(a_batch(an_append(a_run(3), summary=again)))

    assert await store.repeated([a_run(1).key, a_run(2).key]) == {a_run(1).key}


async def test_a_row_without_a_digest_keeps_the_known_one(store: RunStore) -> None:
    row = a_summary(digest="sha256:1")
    await store.append(a_batch(an_append(a_run(), summary=row)))

    await store.append(a_batch(a_row(a_run(), epoch=1, seq=9)))

    found = await store.find(a_run())
    assert found is not None
    assert (found.epoch, found.digest) == (1, "sha256:1")
