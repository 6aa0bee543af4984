"""Rows and facets that are derived again from the logs of a store that no host uses."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from floe.host.rows import reader_of, row_of
from floe.kernel.evolve import fold
from floe.model.codec import encode
from floe.model.errors import StoreBusy, StoreFailed
from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.run import Run
from floe.model.summary import Summary, summary_of
from floe.store import reindexed
from floe.store.base import Append, Batch, FacetFilter, FacetQuery, LedgerWrite, RunQuery
from floe.store.reindexed import Reindexed, UnreadableLog, reindex
from floe.store.sqlite import SqliteStore
from tests.make import a_pended, attached
from tests.make_core import BUILD
from tests.make_store import a_batch, a_record, a_row, a_run, a_summary, an_append
from tests.readers import READERS, of_small

SMALL = of_small(BUILD)


def derived(run: Run) -> Summary:
    return row_of(run, reader_of(run, READERS))


def again(root: Path) -> Reindexed:
    return reindex(root, derived, lambda done, runs: None)


def pended(flow: Flow = SMALL, **values: str) -> Event:
    return a_pended(flow, values=dict(values))


def of_old_floe(serial: int, event: Event) -> Append:
    """A run whose row has nothing that an old floe did not derive."""
    run = a_run(serial)
    row = summary_of(fold(run, (event,)))
    old = replace(row, title="", terms="", active_at=None, edition=0)
    return Append(run=run, epoch=0, after=0, records=(a_record(run, 1, event=event),), summary=old)


async def filled(root: Path, *appends: Append, flow: Flow = SMALL) -> None:
    store = SqliteStore(root)
    await store.open()
    digest = pended(flow).digest  # type: ignore[union-attr]  # a RunPended
    known = LedgerWrite(kind="flow", key=str(digest), value=encode(flow))
    await store.append(Batch(appends=appends, ledger=(known,)))
    await store.close()


async def rows_in(root: Path, *runs: RunRef) -> list[Summary | None]:
    store = SqliteStore(root)
    await store.open()
    found = [await store.find(run) for run in runs]
    await store.close()
    return found


def altered(root: Path, script: str) -> None:
    with closing(sqlite3.connect(root / "floe.db")) as conn:
        conn.executescript(script)


async def test_row_of_an_old_floe_becomes_what_is_derived_today(tmp_path: Path) -> None:
    event = pended(env="prod")
    await filled(tmp_path, of_old_floe(1, event))

    done = again(tmp_path)

    expected = derived(attached(fold(a_run(1), (event,)), SMALL))
    assert await rows_in(tmp_path, a_run(1)) == [expected]
    assert expected.facets
    assert done == Reindexed(runs=1, changed=1, unreadable=())


async def test_runs_are_found_by_text_and_by_facets_afterwards(tmp_path: Path) -> None:
    await filled(tmp_path, of_old_floe(1, pended(env="prod")), of_old_floe(2, pended(env="test")))

    again(tmp_path)

    store = SqliteStore(tmp_path)
    await store.open()
    tag = FacetFilter(kind="tag", keys=("env=prod",))
    by_facet = await store.runs_by_facets(FacetQuery(filters=(tag,)))
    by_text = await store.runs(RunQuery(text="prod"))
    await store.close()
    assert [match.run.id for match in by_facet.matches] == ["h1-1"]
    assert [row.id for row in by_text.runs] == ["h1-1"]


async def test_second_reindex_changes_nothing(tmp_path: Path) -> None:
    await filled(tmp_path, of_old_floe(1, pended()), of_old_floe(2, pended(BUILD)))
    again(tmp_path)
    before = await rows_in(tmp_path, a_run(1), a_run(2))

    assert again(tmp_path).changed == 0
    assert await rows_in(tmp_path, a_run(1), a_run(2)) == before


async def test_row_that_lags_behind_events_that_change_no_row_is_left(tmp_path: Path) -> None:
    event = pended(BUILD)
    row = summary_of(fold(a_run(1), (event,)))
    await filled(tmp_path, replace(of_old_floe(1, event), summary=row), an_append(a_run(1), 1))

    assert again(tmp_path).changed == 0


async def test_wrong_row_with_the_same_events_gets_a_higher_edition(tmp_path: Path) -> None:
    await filled(tmp_path, of_old_floe(1, pended()))
    again(tmp_path)
    [right] = await rows_in(tmp_path, a_run(1))
    altered(tmp_path, "UPDATE runs SET why = 'wrong', facets = ''")

    again(tmp_path)

    assert right
    assert await rows_in(tmp_path, a_run(1)) == [replace(right, edition=right.edition + 1)]


async def test_missing_row_is_made(tmp_path: Path) -> None:
    await filled(tmp_path, of_old_floe(1, pended()))
    altered(tmp_path, "DELETE FROM runs")

    again(tmp_path)

    run = attached(fold(a_run(1), (pended(),)), SMALL)
    assert await rows_in(tmp_path, a_run(1)) == [derived(run)]


async def test_index_of_facets_that_disagrees_is_made_again(tmp_path: Path) -> None:
    await filled(tmp_path, of_old_floe(1, pended(env="prod")))
    again(tmp_path)
    altered(tmp_path, "UPDATE facets SET key = 'wrong' || key")

    again(tmp_path)

    with closing(sqlite3.connect(tmp_path / "floe.db")) as conn:
        found = conn.execute("SELECT kind, key, run, row FROM facets").fetchall()
    assert found == [("tag", "env=prod", a_run(1).key, 0)]


async def test_changed_rows_are_changes_for_other_hosts(tmp_path: Path) -> None:
    await filled(tmp_path, of_old_floe(1, pended()), of_old_floe(2, pended()))
    store = SqliteStore(tmp_path)
    await store.open()
    known = await store.head()
    await store.close()

    again(tmp_path)

    await store.open()
    changes = await store.changes(known, 9)
    head = await store.head()
    pos = await store.append(a_batch(an_append(a_run(1), 1)))
    await store.close()
    assert sorted(change.row.key for change in changes) == [a_run(1).key, a_run(2).key]
    assert known < changes[0].pos < changes[1].pos <= head < pos


async def test_log_that_cannot_be_read_is_named_and_its_row_stays(tmp_path: Path) -> None:
    await filled(tmp_path, *(of_old_floe(n, pended()) for n in (1, 2, 3, 4)))
    altered(
        tmp_path,
        "UPDATE log SET event = 'RunDreamt' WHERE run LIKE 'h1-1@%';"
        "UPDATE log SET body = 'x' WHERE run LIKE 'h1-2@%';"
        "UPDATE log SET seq = 2 WHERE run LIKE 'h1-3@%'",
    )
    before = await rows_in(tmp_path, a_run(1), a_run(2), a_run(3))

    done = again(tmp_path)

    assert [log.run for log in done.unreadable] == [a_run(n).key for n in (1, 2, 3)]
    assert "RunDreamt" in done.unreadable[0].why
    assert done.unreadable[2] == UnreadableLog(a_run(3).key, "ValueError: 1 events are missing")
    assert await rows_in(tmp_path, a_run(1), a_run(2), a_run(3)) == before
    assert done.changed == 1


async def test_reindex_that_was_interrupted_goes_on_when_it_is_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexed, "RUNS_AT_ONCE", 2)
    await filled(tmp_path, *(of_old_floe(n, pended()) for n in range(1, 8)))

    def interrupt(done: int, runs: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(tmp_path, derived, interrupt)

    assert again(tmp_path) == Reindexed(runs=7, changed=3, unreadable=())


async def test_progress_counts_the_runs(tmp_path: Path) -> None:
    await filled(tmp_path, *(of_old_floe(n, pended()) for n in (1, 2)))
    seen: list[tuple[int, int]] = []

    reindex(tmp_path, derived, lambda done, runs: seen.append((done, runs)))

    assert seen == [(0, 2), (2, 2)]


async def test_row_of_another_host_s_run_stays_and_is_requested_again(tmp_path: Path) -> None:
    far = a_run(1, host="h2", store="aaaa")
    store = SqliteStore(tmp_path)
    await store.open()
    mark = LedgerWrite(kind="directory", key="h2@aaaa", value=7)
    await store.append(Batch(appends=(a_row(far, title="Far"),), ledger=(mark,)))
    await store.close()
    altered(tmp_path, "UPDATE runs SET search = 'wrong'")

    again(tmp_path)

    await store.open()
    found = await store.runs(RunQuery(text="far"))
    marks = await store.ledger("directory")
    await store.close()
    assert [row.key for row in found.runs] == [far.key]
    assert marks == {"h2@aaaa": 0}


async def test_run_that_is_over_elsewhere_keeps_its_row(tmp_path: Path) -> None:
    over = a_summary(a_run(1), state="archive", phase="ended", good=True, seq=9, epoch=1)
    far = replace(a_row(a_run(1)), summary=over)
    await filled(tmp_path, of_old_floe(1, pended()), far)
    before = await rows_in(tmp_path, a_run(1))

    again(tmp_path)

    assert await rows_in(tmp_path, a_run(1)) == before


async def test_store_that_a_host_uses_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()

    with pytest.raises(StoreBusy):
        again(tmp_path)
    await store.close()


def test_folder_without_a_store_is_refused_and_left_empty(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed):
        again(tmp_path)
    assert not [*tmp_path.iterdir()]
