"""A host that is upgraded while a command runs: every name is as the last release left it."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from floe.model.event import Event, NodeSettled, NodeStarted, RetryArmed, RunPacked
from tests.acceptance.product import Host, until
from tests.make_warden import Talk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

OLD: Final = Path(__file__).parents[1] / "data" / "upgrade"
RUN: Final = "h1-1@7f70dccf04"
KEY: Final = f"{RUN}.1.work.1.1"
DELAY_MS: Final = 908
"""How long the last release waited after this attempt: its jitter is made of the key."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """The host before its upgrade: killed, while its command runs on in its warden."""
    host = Host(tmp_path, (OLD / "config.yml").read_text())
    host.root.mkdir()
    text = (OLD / "store.sql").read_text().replace("$HERE", str(tmp_path))
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with closing(sqlite3.connect(host.root / "floe.db")) as store:
        store.executescript(text.replace("$BOOT", boot))
    (host.root / "spaces").mkdir()
    (host.root / "spaces" / ".floe-spaces").touch()
    asyncio.run(run_on(host))
    yield host
    host.close()


async def run_on(host: Host) -> None:
    """Start the command of the old release, and leave it to the warden."""
    space = host.root / "spaces" / "upgrade" / "ws" / RUN
    runs = host.root / "runs" / RUN
    space.mkdir(parents=True)
    runs.mkdir(parents=True)
    shell = f"echo begun; while ! [ -e {host.folder}/go ]; do sleep 0.05; done; echo over; exit 3"
    talk = Talk(host.root)
    await talk.warden.open()
    env = {"PATH": os.environ["PATH"]}
    output = runs / "work.1.1.log"
    talk.spawn("bash", "-c", shell, key=KEY, cwd=space, output=output, env=env)
    await talk.until_spawned(KEY)
    await talk.warden.close()


def upgraded(host: Host) -> list[Event]:
    """The events of the run once the new release has seen it through."""
    host.start()
    host.until_node(RUN, "work", "running")
    (host.folder / "go").touch()
    host.until_over(RUN)
    until(lambda: "RunPacked" in host.events(RUN), "its digests")
    host.stop()
    [(_, log)] = host.stored()
    return log


def test_command_that_ran_is_taken_over_and_not_started_again(host: Host) -> None:
    log = upgraded(host)

    starts = [(e.node, e.attempt) for e in log if isinstance(e, NodeStarted)]
    assert starts == [("work", 1), ("work", 2), ("after", 1)]
    assert [e.outcome.status for e in log if isinstance(e, RetryArmed | NodeSettled)] == [3, 3, 0]


def test_retry_waits_as_long_as_in_the_release_before(host: Host) -> None:
    (armed,) = (e for e in upgraded(host) if isinstance(e, RetryArmed))

    assert armed.due - armed.at == DELAY_MS


def test_output_and_digests_keep_their_names(host: Host) -> None:
    (packed,) = (e for e in upgraded(host) if isinstance(e, RunPacked))

    assert sorted(packed.digests) == ["after.1.1", "work.1.1", "work.1.2"]
    files = sorted(path.name for path in (host.root / "runs" / RUN).glob("*.log"))
    assert files == ["after.1.1.log", "work.1.1.log", "work.1.2.log"]


def test_output_from_before_the_upgrade_is_read_by_its_attempt(host: Host) -> None:
    host.start()
    (host.folder / "go").touch()
    host.until_over(RUN)

    assert host.output(RUN, "work", 1) == b"begun\nover\n"
