"""Death of host and warden while a command runs on a different machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.product import Host, until
from tests.make_warden import warden_pid
from tests.sshd import USER, Sshd, processes_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
common: {grace: 1}
flows:
  - name: work
    triggers: [{name: start, type: data}]
    tasks:
      - name: far
        type: ssh
        listen: trigger.good
        on-lost: ON-LOST
        use-status: true
        opts:
          host: 127.0.0.1
          port: PORT
          user: USER
          key-file: FOLDER/ssh/key
          known-hosts: FOLDER/ssh/known_hosts
          cmd: sh
          args:
            - -c
            - >-
              echo x >> FOLDER/starts; echo before;
              until [ -e FOLDER/go ]; do sleep 0.05; done; echo after; exit 42
      - {name: noticed, type: exec, listen: task.far.42, opts: {cmd: echo noticed}}
      - {name: done, type: end, listen: task.noticed.good}
"""


class Far:
    """A machine with sshd, and what its commands leave there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sshd = folder, Sshd(folder / "ssh")
        self.sshd.start()

    def config(self, on_lost: str) -> str:
        text = CONFIG.replace("PORT", str(self.sshd.port)).replace("USER", USER)
        return text.replace("FOLDER", str(self.folder)).replace("ON-LOST", on_lost)

    def begun(self, host: Host) -> str:
        """A run whose far command runs."""
        run = host.trigger("work")
        until(lambda: host.output(run, "far") == b"before\n", "the far command's first line")
        return run

    def let_go(self) -> None:
        (self.folder / "go").touch()

    @property
    def starts(self) -> int:
        return len((self.folder / "starts").read_text().split())

    def until_empty(self) -> None:
        """Wait until no far command is left."""
        until(lambda: processes_with(f"{self.folder}/go") == [], "the end of the far command")


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    far = Far(tmp_path)
    yield far
    far.sshd.stop()


def test_far_command_runs_on_while_its_host_is_started_again(host_of: HostOf, far: Far) -> None:
    host = host_of(far.config("fail"))
    run = far.begun(host)

    host.kill()
    host.start()
    far.let_go()

    assert host.until_over(run)["good"] is True
    assert host.output(run, "far") == b"before\nafter\n"
    assert far.starts == 1


def test_status_is_known_of_a_far_command_that_ended_without_a_host(
    host_of: HostOf, far: Far
) -> None:
    host = host_of(far.config("fail"))
    run = far.begun(host)

    host.kill()
    far.let_go()
    far.until_empty()
    host.start()

    assert host.until_over(run)["good"] is True
    assert (host.node(run, "far")["status"], far.starts) == (42, 1)


def test_far_command_ends_with_host_and_warden_and_is_not_started_again(
    host_of: HostOf, far: Far
) -> None:
    host = host_of(far.config("fail"))
    run = far.begun(host)

    os.kill(warden_pid(host.root), signal.SIGKILL)
    host.kill()
    host.start()
    over = host.until_over(run)
    far.until_empty()

    assert (over["good"], host.node(run, "far")["tag"], far.starts) == (False, "task.far.error", 1)


def test_far_command_is_started_again_on_request_when_host_and_warden_died(
    host_of: HostOf, far: Far
) -> None:
    host = host_of(far.config("retry"))
    run = far.begun(host)

    os.kill(warden_pid(host.root), signal.SIGKILL)
    host.kill()
    host.start()
    until(lambda: far.starts == 2, "the next attempt")
    far.let_go()

    assert host.until_over(run)["good"] is True
    assert host.output(run, "far", 2) == b"before\nafter\n"


def test_far_command_ends_when_its_run_is_cancelled(host_of: HostOf, far: Far) -> None:
    host = host_of(far.config("fail"))
    run = far.begun(host)

    host.cancel(run)
    host.until_over(run)

    far.until_empty()
    assert far.starts == 1
