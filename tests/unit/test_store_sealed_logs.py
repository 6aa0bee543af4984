"""Logs of sealed runs in stores and packed files: sealed bytes to the letter, opened to be read."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from floe.key_file import KeyFile
from floe.model.codec import encode_event, to_text
from floe.model.errors import KeyMissing
from floe.store.archive import PackedRun
from floe.store.base import Append
from floe.store.packed_file import read_packed, write_packed
from floe.store.seals import RunSeals
from floe.store.sqlite import SqliteStore
from tests.make_store import a_batch, a_run, an_append, records_of


@pytest.fixture
def seals(tmp_path: Path) -> RunSeals:
    seals = RunSeals(KeyFile(tmp_path / "vault.key"))
    seals.prepare()
    return seals


def sealed(seals: RunSeals, append: Append) -> Append:
    seals.begin(append.run)
    records = tuple(
        replace(
            one,
            body=seals.seal(
                one.run, one.seq, type(one.event).__name__, to_text(encode_event(one.event))
            ),
        )
        for one in append.records
    )
    return replace(append, records=records)


async def test_a_sealed_log_is_read_with_its_key(seals: RunSeals, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store", opened=seals.opened)
    await store.open()
    made = sealed(seals, an_append(a_run(), count=2))

    await store.append(a_batch(made))

    assert records_of(await store.history(a_run())) == [*made.records]
    await store.close()


async def test_a_sealed_log_cannot_be_read_without_its_key(seals: RunSeals, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store")
    await store.open()
    await store.append(a_batch(sealed(seals, an_append(a_run()))))

    with pytest.raises(KeyMissing):
        await store.history(a_run())
    await store.close()


async def test_the_tail_leaves_out_what_it_cannot_read(seals: RunSeals, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store")
    await store.open()
    await store.append(a_batch(sealed(seals, an_append(a_run(1), count=3))))
    clear = an_append(a_run(2), count=2)
    await store.append(a_batch(clear))

    assert records_of(await store.tail(0)) == [*clear.records]
    assert records_of(await store.tail(0, 1)) == [clear.records[0]]
    await store.close()


def test_a_packed_run_is_sealed_to_the_letter(seals: RunSeals) -> None:
    made = sealed(seals, an_append(a_run(), count=2))
    run = PackedRun(ref=a_run(), epoch=0, records=made.records, flow=None)
    file = io.BytesIO()

    write_packed(run, (), file)

    assert read_packed(file, seals.opened) == run
    with pytest.raises(KeyMissing):
        read_packed(file)
