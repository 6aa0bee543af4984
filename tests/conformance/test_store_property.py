"""Whatever is done to them, the memory store and the SQLite store tell the same story."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from floe.model.errors import StoreConflict
from floe.model.ids import FlowId, HostId, Json, RunRef
from floe.model.result import RunResult
from floe.model.summary import Summary
from floe.store.base import Append, Batch, LedgerWrite, RunQuery, RunStore
from floe.store.memory import MemoryStore
from floe.store.sqlite import SqliteStore
from tests.make_store import (
    a_removal,
    a_run,
    a_summary,
    an_append,
    an_event,
    keys_page_by_page,
    records_of,
)

RUNS = [a_run(1), a_run(2), a_run(12, host="h2", store="aaaa")]
FLOWS = ["build", "deploy"]
HOSTS = ["h1", "h2"]
STATES = ["pending", "active", "archive"]
RESULTS: list[RunResult] = ["good", "bad", "stalled"]
WORDS = st.text(alphabet=st.sampled_from("aAßẞéİ \n\0%_'🙂"), max_size=4)
JSONS: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=3,
)


@dataclass(frozen=True)
class Put:
    """An append to come; `skew` is how far from the run's end it claims to be."""

    run: int
    skew: int
    epoch: int
    texts: list[str]
    row: dict[str, object] | None


ENDS = st.sampled_from(
    [
        {"good": None, "result": None},
        {"good": True, "result": "good"},
        {"good": False, "result": "bad"},
        {"good": False, "result": "stalled"},
    ]
)
FIELDS = st.fixed_dictionaries(
    {
        "flow": st.sampled_from(FLOWS),
        "state": st.sampled_from(STATES),
        "host": st.sampled_from([None, *HOSTS]),
        "pended_at": st.integers(0, 3),
        "epoch": st.integers(0, 1),
        "seq": st.integers(1, 4),
        "why": WORDS,
        "by": WORDS,
    }
)
ROWS = st.builds(dict[str, object].__or__, FIELDS, ENDS)
"""A run that is not over has no result, and one that is over has one that fits: so a store may read
them by an index over both."""
PUTS = st.builds(
    Put,
    run=st.integers(0, len(RUNS) - 1),
    skew=st.sampled_from([0, 0, 0, 0, 0, 1, -1]),
    epoch=st.sampled_from([0, 0, 0, 1, 2]),
    texts=st.lists(WORDS, max_size=3),
    row=st.none() | ROWS,
)
WRITES = st.builds(
    LedgerWrite, kind=st.sampled_from("ab"), key=st.sampled_from("xyz") | WORDS, value=JSONS
)
BATCHES = st.tuples(st.lists(PUTS, max_size=3), st.lists(WRITES, max_size=3), st.booleans())
PRUNES = st.lists(
    st.tuples(st.sampled_from(RUNS), st.sampled_from([None, 0, 1, 2])),
    max_size=2,
    unique_by=lambda one: one[0],
)
QUERIES = st.builds(
    RunQuery,
    flow=st.sampled_from([None, *map(FlowId, FLOWS)]),
    states=st.frozensets(st.sampled_from(STATES)),
    good=st.sampled_from([None, True, False]),
    results=st.frozensets(st.sampled_from(RESULTS), max_size=2),
    host=st.sampled_from([None, *map(HostId, HOSTS)]),
    text=WORDS,
    limit=st.integers(1, 4),
)


async def batch_for(
    store: RunStore, puts: list[Put], ledger: list[LedgerWrite], promise: bool
) -> Batch:
    ends = {run: len(await store.history(run)) for run in RUNS}
    appends: list[Append] = []
    for put in puts:
        run = RUNS[put.run]
        row: Summary | None = a_summary(run, **put.row) if put.row else None
        after = max(0, ends[run] + put.skew)
        append = an_append(
            run, after, 0, epoch=put.epoch, events=map(an_event, put.texts), summary=row
        )
        appends.append(append)
        ends[run] += len(append.records)
    return Batch(appends=appends, ledger=ledger, promise=promise)


async def answer_of(store: RunStore, batch: Batch) -> str:
    try:
        await store.append(batch)
    except StoreConflict as conflict:
        return str(conflict)
    return "stored"


async def story_of(store: RunStore, queries: list[RunQuery]) -> list[object]:
    """All that can be read, but for the positions themselves."""
    tail = await store.tail(0)
    return [
        records_of(tail),
        [records_of(await store.history(run)) for run in RUNS],
        [await store.find(run) for run in RUNS],
        [change.row for change in await store.changes(0, 99)],
        [await store.ledger(kind) for kind in "ab"],
        [await keys_page_by_page(store, query) for query in queries],
        await store.head(),
        [await store.pruned(run) for run in RUNS],
    ]


@settings(max_examples=60, deadline=None)
@given(
    script=st.lists(BATCHES | PRUNES | st.just("reopen"), max_size=12),
    queries=st.lists(QUERIES, min_size=2, max_size=5),
)
def test_both_stores_report_the_same_story(
    script: list[tuple[list[Put], list[LedgerWrite], bool] | list[tuple[RunRef, int | None]] | str],
    queries: list[RunQuery],
) -> None:
    async def play(root: Path) -> None:
        memory, sqlite = MemoryStore(), SqliteStore(root)
        await memory.open()
        await sqlite.open()
        try:
            for line in script:
                if isinstance(line, str):
                    await sqlite.close()
                    await sqlite.open()
                elif isinstance(line, list):
                    prunes = Batch(prunes=[a_removal(run, epoch=epoch) for run, epoch in line])
                    assert await sqlite.append(prunes) == await memory.append(prunes)
                else:
                    batch = await batch_for(memory, *line)
                    assert await answer_of(sqlite, batch) == await answer_of(memory, batch)
            assert await story_of(sqlite, queries) == await story_of(memory, queries)
        finally:
            await sqlite.close()

    with tempfile.TemporaryDirectory() as root:
        asyncio.run(play(Path(root)))
