"""Rows of a SQLite store's log and its index of facets: what is in them, and those of old floes."""

import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from floe.model.errors import StoreForeign
from floe.model.facet import Facet
from floe.model.ids import Instant
from floe.store.base import Append, FacetFilter, FacetQuery, Record, RunQuery
from floe.store.log_words import WORDS, packed, unpacked
from floe.store.sql import migrations
from floe.store.sqlite import SqliteStore
from floe.store.sqlite_log import EVENTS_MAX
from tests.make_store import a_batch, a_record, a_run, a_summary, an_append, records_of

PROD = Facet(kind="tag", key="env=prod", at=Instant(7))


async def stored(root: Path, *appends: Append) -> None:
    store = SqliteStore(root)
    await store.open()
    await store.append(a_batch(*appends))
    await store.close()


async def read(root: Path) -> list[Record]:
    store = SqliteStore(root)
    await store.open()
    found = records_of(await store.history(a_run()))
    await store.close()
    return found


def asked(root: Path, sql: str) -> list[Sequence[object]]:
    with closing(sqlite3.connect(root / "floe.db")) as conn, conn:
        return conn.execute(sql).fetchall()


def of_records(*records: Record) -> Append:
    return Append(run=a_run(), epoch=records[-1].epoch, after=0, records=records)


async def test_events_of_an_append_are_one_row(tmp_path: Path) -> None:
    await stored(tmp_path, an_append(a_run(), 0, 3), an_append(a_run(), 3))

    rows = asked(tmp_path, "SELECT pos, seq, event FROM log")

    assert rows == [(3, 3, "CancelAsked CancelAsked CancelAsked"), (4, 4, "CancelAsked")]


async def test_row_has_a_limited_number_of_events(tmp_path: Path) -> None:
    append = an_append(a_run(), 0, EVENTS_MAX + 1)

    await stored(tmp_path, append)

    assert [row[0] for row in asked(tmp_path, "SELECT seq FROM log")] == [
        EVENTS_MAX,
        EVENTS_MAX + 1,
    ]
    assert await read(tmp_path) == [*append.records]


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([a_record(a_run(), 1, 1), a_record(a_run(), 2, 2)], id="two epochs"),
        pytest.param(
            [
                a_record(a_run(), 1),
                replace(a_record(a_run(), 2), body=b'{"at":5,"by":"ann","why":"x"}'),
            ],
            id="bytes",
        ),
        pytest.param(
            [
                replace(a_record(a_run(), 1), body='{"at":5,\n"by":"ann","why":"x"}'),
                a_record(a_run(), 2),
            ],
            id="a body of two lines",
        ),
    ],
)
async def test_events_that_are_no_lines_of_one_row_have_a_row_each(
    tmp_path: Path, records: list[Record]
) -> None:
    await stored(tmp_path, of_records(*records))

    found = await read(tmp_path)

    assert asked(tmp_path, "SELECT count(*) FROM log") == [(2,)]
    assert [(one.seq, one.epoch, one.body) for one in found] == [
        (one.seq, one.epoch, one.body) for one in records
    ]


@pytest.mark.parametrize("count", [1, 3])
async def test_dense_rows_are_read_as_they_were_given(tmp_path: Path, count: int) -> None:
    append = replace(an_append(a_run(), 0, count), dense=True)

    await stored(tmp_path, append)

    [[body]] = asked(tmp_path, "SELECT body FROM log")
    assert isinstance(body, bytes)
    assert len(body) < sum(len(one.body) for one in append.records)
    assert await read(tmp_path) == [*append.records]


async def test_sealed_event_is_not_compressed(tmp_path: Path) -> None:
    sealed = replace(a_record(a_run(), 1), body=b'{"at":5,"by":"ann","why":"x"}')

    await stored(tmp_path, replace(of_records(sealed), dense=True))

    assert asked(tmp_path, "SELECT event, body FROM log") == [("CancelAsked", sealed.body)]


async def test_row_with_a_body_too_few_is_named(tmp_path: Path) -> None:
    await stored(tmp_path, an_append(a_run(), 0, 2))
    asked(tmp_path, "UPDATE log SET event = event || ' CancelAsked'")

    with pytest.raises(StoreForeign, match="event 2 of h1-1@k3f9 has 3 names and 2 bodies"):
        await read(tmp_path)


async def test_damaged_dense_row_is_named(tmp_path: Path) -> None:
    await stored(tmp_path, replace(an_append(a_run()), dense=True))
    asked(tmp_path, "UPDATE log SET body = substr(body, 1, 20)")

    with pytest.raises(StoreForeign, match="event 1 of h1-1@k3f9 cannot be read"):
        await read(tmp_path)


def test_words_of_dense_rows_never_change() -> None:
    known = bytes.fromhex("83170c5cd5b500")

    assert unpacked(known) == "RunOpened\n{}"
    assert zlib.crc32(WORDS) == 3806790841


def test_text_of_any_length_and_kind_is_packed() -> None:
    text = "für 你好 \U0001f600 " * 20_000

    assert unpacked(packed(text)) == text


async def test_store_of_an_old_floe_is_read_with_its_facets(tmp_path: Path) -> None:
    row = a_summary(a_run(), facets=(PROD,))
    await stored(tmp_path, an_append(a_run(), summary=row), an_append(a_run(), 1))
    table = "CREATE TABLE facets" + migrations()[9].partition("CREATE TABLE facets")[2]
    old = """UPDATE runs SET facets = '[["tag","env=prod",0,7]]'; PRAGMA user_version = 11"""
    script = ("DROP TABLE facets;", table, "UPDATE runs SET facets = '';", old)
    with closing(sqlite3.connect(tmp_path / "floe.db")) as conn:
        conn.executescript("\n".join(script))

    store = SqliteStore(tmp_path)
    await store.open()
    query = FacetQuery(filters=(FacetFilter(kind="tag", keys=("env=prod",)),))
    page = await store.runs_by_facets(query)
    history = await store.history(a_run())
    await store.close()

    assert [match.run for match in page.matches] == [row]
    assert len(history) == 2


async def test_facets_that_a_newer_row_lacks_leave_the_index(tmp_path: Path) -> None:
    other = replace(PROD, key="env=test")
    rows = [a_summary(a_run(), seq=n, facets=(one,)) for n, one in enumerate((PROD, other), 1)]

    await stored(tmp_path, *(an_append(a_run(), n, summary=row) for n, row in enumerate(rows)))

    assert asked(tmp_path, "SELECT key FROM facets") == [("env=test",)]


@pytest.mark.parametrize(
    ("title", "text", "kept"),
    [("Build Main", "build mAIN", ""), ("Straße K", "STRASSE k", "strasse k")],
    ids=["ASCII", "not ASCII"],
)
async def test_search_finds_a_title_in_any_case(
    tmp_path: Path, title: str, text: str, kept: str
) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.append(a_batch(an_append(a_run(), summary=a_summary(a_run(), title=title))))

    page = await store.runs(RunQuery(text=text))
    await store.close()

    [[search]] = asked(tmp_path, "SELECT search FROM runs")
    assert [row.title for row in page.runs] == [title]
    assert (kept in str(search), bool(search)) == (True, bool(kept))
