"""The SQLite store as it is opened again: in another boot, after a power failure, from a backup."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from floe.feed.directory_sync import DirectorySync
from floe.host.step_result import StepResult
from floe.hub.hub import Hub
from floe.model.errors import StoreBusy, StoreFailed, StoreForeign
from floe.model.ids import STORE, HostId, StoreId
from floe.model.peer_message import Envelope, Message
from floe.store.base import Append, Batch, RunQuery, RunStore
from floe.store.memory import MemoryStore
from floe.store.restored import renew
from floe.store.sqlite import SqliteStore
from tests.hands import a_hub
from tests.make_peers import a_ping
from tests.make_store import a_batch, a_note, a_row, a_run, a_summary, an_append

# Positions


async def test_positions_go_on_in_one_boot_of_the_machine(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "one")
    await store.open()
    last = await store.append(a_batch(an_append(a_run(), 0, 3)))
    await store.close()

    await store.open()

    assert list(store.skipped) == []
    assert await store.append(a_batch(an_append(a_run(), 3))) == last + 1
    await store.close()


async def test_positions_that_the_power_took_are_not_given_again(tmp_path: Path) -> None:
    told = await open_and_append(tmp_path, "one", *nine_appends())
    lose(tmp_path, 2)

    again = await open_and_append(tmp_path, "two", an_append(a_run(), 2))

    assert again > told


@pytest.mark.parametrize("kept", [0, 2])
async def test_positions_are_not_given_again_when_the_power_fails_and_fails_again(
    tmp_path: Path, kept: int
) -> None:
    told = [await open_and_append(tmp_path, "one", *nine_appends())]
    lose(tmp_path, kept)

    for boot in ("two", "three"):
        told.append(await open_and_append(tmp_path, boot, *nine_appends(kept)))
        lose(tmp_path, kept)

    assert told == sorted(set(told))


async def test_each_opening_may_be_another_boot_where_that_cannot_be_known(tmp_path: Path) -> None:
    told = await open_and_append(tmp_path, "", *nine_appends())
    lose(tmp_path, 2)

    assert await open_and_append(tmp_path, "", an_append(a_run(), 2)) > told


async def test_store_of_a_floe_that_kept_no_boot_is_taken_for_one_of_another(
    tmp_path: Path,
) -> None:
    told = await open_and_append(tmp_path, "one", an_append(a_run()))
    with closing(sqlite3.connect(tmp_path / "floe.db")) as other, other:
        other.execute("DELETE FROM meta WHERE name IN ('boot', 'head')")
    store = SqliteStore(tmp_path, "one")

    await store.open()

    assert await store.head() > told
    await store.close()


async def test_head_of_a_store_after_another_boot_is_above_all_that_others_know(
    tmp_path: Path,
) -> None:
    told = await open_and_append(tmp_path, "one", *nine_appends())
    lose(tmp_path, 2)
    store = SqliteStore(tmp_path, "two")

    await store.open()

    head = await store.head()
    assert told in store.skipped
    assert head not in store.skipped
    assert await store.append(Batch(ledger=(a_note("a", 1),))) == head
    assert await store.append(a_batch(an_append(a_run(), 2))) == head + 1
    await store.close()


async def test_head_stays_when_a_store_is_opened_and_nothing_is_added(tmp_path: Path) -> None:
    await open_and_append(tmp_path, "one", an_append(a_run()))
    store = SqliteStore(tmp_path, "two")
    await store.open()
    head = await store.head()
    await store.close()

    await store.open()

    assert await store.head() == head
    await store.close()


def nine_appends(after: int = 0) -> list[Append]:
    """Nine facts, each of which the power may take."""
    return [an_append(a_run(), after + n) for n in range(9)]


async def open_and_append(root: Path, boot: str, *appends: Append) -> int:
    """Use a store for some appends; return the position of the last."""
    store = SqliteStore(root, boot)
    await store.open()
    try:
        return await store.append(a_batch(*appends))
    finally:
        await store.close()


def lose(root: Path, kept: int) -> None:
    """Take all but some facts, as a power failure takes the last."""
    with closing(sqlite3.connect(root / "floe.db")) as disk, disk:
        disk.execute("DELETE FROM log WHERE seq > ?", (kept,))


# What others hear


@dataclass
class Host:
    """What a host says of its store, and what it answers."""

    hub: Hub
    said: list[Message] = field(default_factory=list)
    answers: list[Coroutine[object, object, None]] = field(default_factory=list)

    async def begin(self) -> None:
        """Read what the store has, as a process that starts."""
        hub = self.hub
        answer = self.answers.append
        self.lists = DirectorySync(
            hub.store, hub.clock.now, hub.loop.put, hub.loop.ask, self.say, answer, lambda: None
        )
        await self.lists.open()

    def say(self, _: HostId | None, message: Message) -> None:
        """Say something; there is one who hears it."""
        self.said.append(message)

    async def write(self, append: Append, *, promise: bool) -> None:
        """Store a fact that changes a row, and say what there is to say."""
        pos = await self.hub.store.append(a_batch(append, promise=promise))
        self.lists.stored(StepResult(appends=(append,), promise=promise), pos)
        if news := self.lists.directory.news():
            self.said.append(news)

    async def talk(self, other: "Host") -> None:
        """Ping the other after all that is said already, and answer one another to the end."""
        self.said.append(replace(a_ping(), about={"head": self.lists.directory.head}))
        while self.said or other.said:
            for one, another in ((self, other), (other, self)):
                while one.said:
                    another.hear(one, one.said.pop(0))
                    while another.answers:
                        await another.answers.pop(0)

    def hear(self, other: "Host", message: Message) -> None:
        self.lists.receive(
            Envelope(
                from_host=other.hub.host.id,
                from_store=other.hub.store.store_id,
                to_host=self.hub.host.id,
                to_store=self.hub.store.store_id,
                message=message,
            )
        )

    async def rows(self) -> dict[str, str]:
        """What it knows of runs, by their names."""
        await self.hub.loop.wait_idle()
        page = await self.hub.reads.runs(RunQuery())
        return {row.id: row.why for row in page.runs}


@asynccontextmanager
async def a_host(store: RunStore) -> AsyncIterator[Host]:
    """A host with a store, which does not run what is in it."""
    async with a_hub(store=store) as hub:
        host = Host(hub)
        await host.begin()
        yield host


def a_fact(serial: int, why: str, after: int = 0) -> Append:
    """A fact of a run that changes its row."""
    run = a_run(serial)
    row = a_summary(run, why=why, seq=after + 1, state="archive", phase="packed")
    return an_append(run, after, summary=row)


async def test_store_that_lost_its_last_steps_sends_others_everything(tmp_path: Path) -> None:
    async with a_host(MemoryStore()) as h1:
        async with a_host(SqliteStore(tmp_path / "h2", "one")) as h2:
            await h2.write(a_fact(1, "promised"), promise=True)
            await h2.write(a_fact(2, "promised"), promise=True)
            shutil.copytree(tmp_path / "h2", tmp_path / "kept")
            await h2.write(a_fact(1, "lost", after=1), promise=False)
            await h2.talk(h1)
        before = await h1.rows()

        async with a_host(SqliteStore(tmp_path / "kept", "two")) as h2:
            await h2.write(a_fact(1, "anew", after=1), promise=True)
            await h2.write(a_fact(3, "anew"), promise=True)
            await h2.talk(h1)
            has_gone_back = h2.lists.has_gone_back

        assert before == {"h1-1": "promised", "h1-2": "promised"}
        assert await h1.rows() == {"h1-1": "anew", "h1-2": "promised", "h1-3": "anew"}
        assert not has_gone_back


@pytest.mark.parametrize("boot", ["one", "two"])
async def test_store_of_a_backup_learns_that_it_has_gone_back(tmp_path: Path, boot: str) -> None:
    async with a_host(MemoryStore()) as h1:
        async with a_host(SqliteStore(tmp_path / "h2", "one")) as h2:
            await h2.write(a_fact(1, "before"), promise=True)
            shutil.copytree(tmp_path / "h2", tmp_path / "backup")
            for serial in (2, 3, 4):
                await h2.write(a_fact(serial, "after"), promise=True)
            await h2.talk(h1)

        async with a_host(SqliteStore(tmp_path / "backup", boot)) as copy:
            await copy.write(a_fact(5, "something else"), promise=True)
            await copy.talk(h1)

            assert copy.lists.has_gone_back


# Restored from a backup


async def test_copy_is_another_store_afterwards(tmp_path: Path) -> None:
    was = await a_store(tmp_path, an_append(a_run()))

    renewed = renew(tmp_path)

    assert renewed.was == was
    assert renewed.now == await store_id_at(tmp_path)
    assert renewed.now != was
    assert STORE.fullmatch(renewed.now)


async def test_copy_keeps_what_it_holds(tmp_path: Path) -> None:
    await a_store(tmp_path, an_append(a_run(), 0, 3))

    renew(tmp_path)

    store = SqliteStore(tmp_path)
    await store.open()
    assert len(await store.history(a_run())) == 3
    await store.close()


async def test_runs_that_are_not_over_are_held(tmp_path: Path) -> None:
    await a_store(
        tmp_path,
        an_append(a_run(1), summary=a_summary(a_run(1))),
        an_append(a_run(2), summary=a_summary(a_run(2), state="active", phase="active")),
        an_append(a_run(3), summary=a_summary(a_run(3), state="archive", phase="packed")),
        a_row(a_run(4)),
    )

    assert renew(tmp_path).held == ("h1-1@k3f9", "h1-2@k3f9")


def test_root_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="there is no store"):
        renew(tmp_path / "nothing")

    assert list(tmp_path.iterdir()) == []


async def test_store_without_facts_is_refused(tmp_path: Path) -> None:
    was = await a_store(tmp_path)

    with pytest.raises(StoreFailed, match="has no runs"):
        renew(tmp_path)

    assert await store_id_at(tmp_path) == was


async def test_store_in_use_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.append(a_batch(an_append(a_run())))

    with pytest.raises(StoreBusy):
        renew(tmp_path)

    await store.close()


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "floe.db").write_bytes(b"something else")

    with pytest.raises(StoreForeign):
        renew(tmp_path)


async def a_store(root: Path, *appends: Append) -> StoreId:
    """Make a store; return its id."""
    store = SqliteStore(root)
    await store.open()
    await store.append(a_batch(*appends))
    await store.close()
    return store.store_id


async def store_id_at(root: Path) -> StoreId:
    """The id of a store that is closed."""
    return await a_store(root)
