"""Pages of the directory cost the same in an archive of any size."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from floe.model.ids import FlowId, HostId
from floe.model.result import RunResult
from floe.model.run import State
from floe.model.summary import Summary
from floe.store import sqlite_page
from floe.store.base import RunQuery
from floe.store.rules import SortKey
from floe.store.sql import migrations, queries
from floe.store.sqlite import SqliteStore
from floe.store.sqlite_file import connect
from floe.store.sqlite_page import read_page, summary_in
from floe.store.upgrades import add_functions
from tests.make_store import a_batch, a_row, a_run

STATE_SETS: list[frozenset[State]] = [
    frozenset(),
    frozenset({"archive"}),
    frozenset({"pending", "active"}),
    frozenset({"pending", "active", "archive"}),
]


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        add_functions(made)
        for script in migrations():
            made.executescript(script)
        yield made


@pytest.mark.parametrize("below", [None, SortKey(5, "h1-1@k3f9")], ids=["first", "next"])
@pytest.mark.parametrize("text", ["", "x"], ids=["", "text"])
def test_every_filter_is_answered_by_an_index_in_order(
    conn: sqlite3.Connection, text: str, below: SortKey | None
) -> None:
    said: list[str] = []
    conn.set_trace_callback(said.append)
    for flow, host, good, results, states in product(
        (None, FlowId("build")),
        (None, HostId("h1")),
        (None, True, False),
        (frozenset[RunResult](), frozenset[RunResult]({"bad", "stalled"})),
        STATE_SETS,
    ):
        query = RunQuery(flow=flow, host=host, good=good, results=results, states=states, text=text)
        read_page(conn, query, below)
    conn.set_trace_callback(None)

    plans = {step for sql in set(said) for *_, step in conn.execute(f"EXPLAIN QUERY PLAN {sql}")}

    assert len(said) > 48
    assert {plan for plan in plans if "USING INDEX" not in plan and "COVERING" not in plan} == set()
    assert {plan for plan in plans if "SCAN" in plan and "runs_newest" not in plan} == set()


def test_an_index_serves_all_the_filters_that_are_set(conn: sqlite3.Connection) -> None:
    said: list[str] = []
    conn.set_trace_callback(said.append)
    read_page(conn, RunQuery(flow=FlowId("build"), host=HostId("h1"), good=False), None)
    conn.set_trace_callback(None)

    plans = {step for sql in said for *_, step in conn.execute(f"EXPLAIN QUERY PLAN {sql}")}

    assert plans == {
        "SEARCH runs USING INDEX runs_by_flow_host (flow=? AND host=? AND state=? AND good=?)"
    }


def test_children_of_a_run_are_found_by_the_index_of_parents(conn: sqlite3.Connection) -> None:
    said: list[str] = []
    conn.set_trace_callback(said.append)
    read_page(conn, RunQuery(parent="h1-1@k3f9", states=frozenset({"active"})), None)
    conn.set_trace_callback(None)

    plans = {step for sql in said for *_, step in conn.execute(f"EXPLAIN QUERY PLAN {sql}")}

    assert "SEARCH runs USING INDEX runs_by_parent (parent>? AND parent<?)" in plans


async def test_run_that_changes_its_state_while_a_page_is_read_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.append(a_batch(a_row(a_run(1), state="pending")))

    def read_and_start(row: Sequence[str | int | None]) -> Summary:
        with closing(connect(next(tmp_path.glob("*.db")))) as writer:
            writer.execute("UPDATE runs SET state = 'active', good = NULL")
        return summary_in(row)

    monkeypatch.setattr(sqlite_page, "summary_in", read_and_start)
    page = await store.runs(RunQuery(flow=FlowId("build")))

    assert [row.id for row in page.runs] == ["h1-1"]
    await store.close()


async def test_a_search_goes_so_far_and_then_shows_where_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_page, "SEARCH_ROWS_MAX", 10)
    store = SqliteStore(tmp_path)
    await store.open()
    await store.append(
        a_batch(*[a_row(a_run(n), why="needle" if n in (1, 14) else "") for n in range(1, 26)])
    )

    query = RunQuery(text="needle")
    pages = [await store.runs(query)]
    while pages[-1].next:
        pages.append(await store.runs(RunQuery(text="needle", cursor=pages[-1].next)))

    assert [[row.id for row in page.runs] for page in pages] == [[], ["h1-14"], ["h1-1"]]
    await store.close()


def test_every_query_has_one_comment_and_one_statement() -> None:
    for sql in queries().values():
        comment, _, statement = sql.partition("\n")
        assert comment.startswith("-- ")
        assert statement.count(";") == 1
        assert statement.endswith(";")
