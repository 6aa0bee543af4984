"""What `floe/store/archive.py` promises, held against every implementation.

Both are a `Bucket`: over the object store in memory that the hub's tests use, and over a server
that speaks S3.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore, ObjectStore

from floe.model.ids import Key, NodeId
from floe.model.nouns import replace
from floe.store.archive import Archive
from floe.store.bucket import Bucket
from tests.make_bucket import a_packed_run, an_output, an_s3_server
from tests.make_store import a_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bucket")]

BUILD = Key(a_run(), 1, NodeId("build"), 1, 1)


@pytest.fixture(scope="module")
def server_store() -> Iterator[ObjectStore]:
    with an_s3_server() as server:
        yield server.store("floe")


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    """The objects of each kind of archive, none at first."""
    store = MemoryStore() if request.param == "memory" else request.getfixturevalue("server_store")
    yield store
    for some in store.list():
        store.delete([one["path"] for one in some])


@pytest.fixture
def archive(objects: ObjectStore) -> Archive:
    return Bucket(objects, "s3://ci-runs/floe")


async def test_run_is_read_as_it_was_put(archive: Archive) -> None:
    run = a_packed_run(flow={"id": "build", "ver": 1})

    await archive.put(run, ())

    assert await archive.read(run.ref, run.epoch) == run


async def test_run_without_a_flow_is_read_without_one(archive: Archive) -> None:
    run = a_packed_run()

    await archive.put(run, ())

    assert await archive.read(run.ref, run.epoch) == run


async def test_run_that_was_never_put_is_none(archive: Archive) -> None:
    assert await archive.read(a_run(7), 1) is None


async def test_epochs_of_a_run_are_apart(archive: Archive) -> None:
    first, second = a_packed_run(), a_packed_run(epoch=2)

    await archive.put(second, ())
    await archive.put(first, ())

    assert await archive.read(second.ref, 2) == second


async def test_output_is_fetched_byte_for_byte(archive: Archive, tmp_path: Path) -> None:
    data = b"\x1b[31mred\r\n" * 1000 + bytes(range(256))
    await archive.put(a_packed_run(), [an_output(tmp_path, data)])

    assert await archive.fetch(BUILD, tmp_path / "to")

    assert (tmp_path / "to").read_bytes() == data


async def test_large_output_is_fetched_byte_for_byte(archive: Archive, tmp_path: Path) -> None:
    data = os.urandom(12 * 1024 * 1024)  # two parts, also when it is compressed
    await archive.put(a_packed_run(), [an_output(tmp_path, data)])

    assert await archive.fetch(BUILD, tmp_path / "to")

    assert (tmp_path / "to").read_bytes() == data


async def test_only_what_the_attempt_printed_is_kept(archive: Archive, tmp_path: Path) -> None:
    output = an_output(tmp_path, b"hello\n")
    output.path.write_bytes(b"hello\nfrom a process that was left behind\n")
    await archive.put(a_packed_run(), [output])

    await archive.fetch(BUILD, tmp_path / "to")

    assert (tmp_path / "to").read_bytes() == b"hello\n"


async def test_output_of_an_unknown_attempt_is_not_there(archive: Archive, tmp_path: Path) -> None:
    await archive.put(a_packed_run(), [an_output(tmp_path)])

    assert not await archive.fetch(replace(BUILD, attempt=2), tmp_path / "to")


async def test_output_of_an_unknown_run_is_not_there(archive: Archive, tmp_path: Path) -> None:
    assert not await archive.fetch(replace(BUILD, run=a_run(7)), tmp_path / "to")


async def test_equal_runs_are_equal_objects(
    archive: Archive, objects: ObjectStore, tmp_path: Path
) -> None:
    output = an_output(tmp_path)
    await archive.put(a_packed_run(), [output])
    first = bytes(objects.get("k3f9/h1-1/1.floe").bytes())
    os.utime(output.path, (1, 1))

    await archive.put(a_packed_run(), [output])

    assert bytes(objects.get("k3f9/h1-1/1.floe").bytes()) == first


async def test_run_with_an_unreadable_output_is_not_put(archive: Archive, tmp_path: Path) -> None:
    output = an_output(tmp_path)
    output.path.unlink()

    with pytest.raises(FileNotFoundError):
        await archive.put(a_packed_run(), [output])

    assert await archive.read(a_run(), 1) is None


async def test_removed_run_is_gone_in_every_epoch(archive: Archive, tmp_path: Path) -> None:
    for epoch in (1, 2):
        await archive.put(a_packed_run(epoch=epoch), [an_output(tmp_path)])

    await archive.remove([a_run()])

    assert [await archive.read(a_run(), epoch) for epoch in (1, 2)] == [None, None]


async def test_removing_a_run_leaves_those_with_a_longer_number(archive: Archive) -> None:
    await archive.put(a_packed_run(a_run(1)), ())
    await archive.put(a_packed_run(a_run(11)), ())

    await archive.remove([a_run(1)])

    assert await archive.read(a_run(11), 1) is not None


async def test_removing_twice_changes_nothing(archive: Archive) -> None:
    await archive.put(a_packed_run(), ())

    await archive.remove([a_run()])
    await archive.remove([a_run()])

    assert await archive.read(a_run(), 1) is None


async def test_many_runs_are_put_at_once(archive: Archive) -> None:
    runs = [a_packed_run(a_run(serial)) for serial in range(1, 30)]

    async with asyncio.TaskGroup() as tasks:
        for run in runs:
            tasks.create_task(archive.put(run, ()))

    assert [await archive.read(run.ref, 1) for run in runs] == runs


async def test_archive_that_answers_has_no_problem(archive: Archive) -> None:
    await archive.check()

    assert (archive.problem(), archive.retry_s()) == ("", 0)
