"""`floe host --restored`: what it does, what it says, and where it refuses."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from floe.cli.commands import cli
from floe.model.errors import FloeError, StoreFailed, Yours
from floe.store.base import Append
from floe.store.sqlite import SqliteStore
from tests.make_store import a_batch, a_run, a_summary, an_append


def a_copy(root: Path, *appends: Append) -> str:
    """A store as a backup has it; gives its id."""

    async def made() -> str:
        store = SqliteStore(root)
        await store.open()
        await store.append(a_batch(*appends))
        await store.close()
        return store.store_id

    return asyncio.run(made())


def restored(folder: Path, *options: str, common: str = "hosts: [https://h1, https://h2]") -> str:
    """Type the command; gives what it printed. Raises FloeError where it is refused."""
    config = folder / "config.yml"
    config.write_text(f"common: {{{common}, keeper: h1}}\nflows: []\n")
    words: Sequence[str] = ("--conf", str(config), "--root", str(folder / "root"), *options)
    done = CliRunner().invoke(cli, ["host", "--restored", *words], catch_exceptions=True)
    if isinstance(done.exception, FloeError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return click.unstyle(done.output)


def test_copy_gets_an_id_of_its_own_and_lists_what_is_held(tmp_path: Path) -> None:
    was = a_copy(tmp_path / "root", an_append(a_run(), summary=a_summary(a_run())))

    said = restored(tmp_path, "--host-name", "h2")

    now = a_copy(tmp_path / "root")
    assert now != was
    assert f"the store in {tmp_path / 'root'} now has the id {now}; it was {was}\n" in said
    assert "held, since they may have continued after the backup: h1-1@k3f9\n" in said
    assert f"floe host forget h2 --store {was} at another" in said


def test_copy_in_which_all_is_over_holds_nothing(tmp_path: Path) -> None:
    over = a_summary(a_run(), state="archive", phase="packed")
    a_copy(tmp_path / "root", an_append(a_run(), summary=over))

    assert "held" not in restored(tmp_path)


def test_host_without_others_needs_no_id_for_its_copy(tmp_path: Path) -> None:
    was = a_copy(tmp_path / "root", an_append(a_run()))

    with pytest.raises(Yours, match="needs no new id"):
        restored(tmp_path, common="hosts: []")

    assert a_copy(tmp_path / "root") == was


def test_store_in_memory_cannot_be_restored(tmp_path: Path) -> None:
    with pytest.raises(Yours, match="keeps no data"):
        restored(tmp_path, common="store-type: memory, hosts: [https://h1, https://h2]")


def test_root_without_a_copy_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match=f"there is no store in {tmp_path / 'root'}"):
        restored(tmp_path)
