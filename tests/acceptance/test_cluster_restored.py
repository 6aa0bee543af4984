"""A host whose store is put back from a backup: with its old id, and with one of its own."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.cluster import WEST, Member, clustered
from tests.acceptance.people import floe, why
from tests.acceptance.product import DEADLINE_S, FLOE, marked, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS: Final = {"h1": "linux", "h2": "linux,west"}

FLOWS: Final = (
    WEST
    + """
  - name: long
    host-tags: [west]
    env: [MARK=$HERE/long]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: rest, type: exec, listen: trigger.good, opts: {cmd: sleep 10000}}
      - {name: done, type: end, listen: task.rest.good}
"""
)


def back_up(host: Member) -> Path:
    """Copy a host's store, also while it runs."""
    copy = host.folder / "copy.db"
    with (
        closing(sqlite3.connect(host.root / "floe.db")) as store,
        closing(sqlite3.connect(copy)) as backup,
    ):
        store.backup(backup)
    return copy


def put_back(host: Member, copy: Path) -> None:
    """Put a copy in the place of a store that is not in use."""
    for beside in ("floe.db-wal", "floe.db-shm"):
        (host.root / beside).unlink(missing_ok=True)
    shutil.copy(copy, host.root / "floe.db")


def until_said(host: Member, words: str) -> None:
    until(lambda: words in "\n".join(host.problems()), f"{words} at {host.id}")


def test_copy_that_kept_its_id_is_reported_at_every_host_and_gets_nothing(tmp_path: Path) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS) as (cluster, _):
        h1, h2 = cluster["h1"], cluster["h2"]
        h1.until_over(h2.trigger("west"))
        copy = back_up(h2)
        for _ in range(3):
            h1.until_over(h2.trigger("west"))
        h2.kill()
        put_back(h2, copy)

        h2.spawn()  # it is never ready

        until_said(h1, "h2: has a store that has gone back in time")
        until_said(h2, "h2: has a store that has gone back in time")
        run = h1.trigger("west")
        until(lambda: "gone back in time" in why(h1, run), f"why {run} waits")
        assert h1.show(run)["state"] == "pending"


def test_copy_with_an_id_of_its_own_takes_runs_and_ends_held_ones_on_request(
    tmp_path: Path,
) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS) as (cluster, _):
        h1, h2 = cluster["h1"], cluster["h2"]
        run = h2.trigger("long")
        h2.until_node(run, "rest", "running")
        key = h2.show(run)["key"]
        copy = back_up(h2)
        h2.kill()
        put_back(h2, copy)

        restored = h2.spawn((*FLOE, "--restored")).wait(DEADLINE_S)
        said = h2.log.read_text()
        h2.start()
        until_said(h1, "h2: lost its store")
        forgotten = floe(h1, "host", "forget", "h2", "--force")
        held = why(h2, key)
        cancelled = floe(h2, "cancel", key)
        ended = h2.until_over(key)

        assert restored == 0, said
        assert f"held, since they may have continued after the backup: {key}\n" in said
        assert forgotten.returncode == 0, forgotten
        assert held.startswith("held for the operator"), held
        assert cancelled.returncode == 0, cancelled
        assert (ended["good"], ended["why"]) == (False, "cancelled by admin")
        assert not marked(str(tmp_path / "c/long").encode())
        assert h1.until_over(h1.trigger("west"))["host"] == "h2"
