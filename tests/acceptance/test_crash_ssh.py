"""`kill -9` of the host at every point of an ssh task, and of host and warden while files go."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from floe.model.errors import Theirs
from tests.acceptance import crash_host
from tests.acceptance.product import Host, until
from tests.acceptance.warm import floe_host
from tests.sshd import USER, Sshd, processes_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FAR = """
        opts:
          host: 127.0.0.1
          port: PORT
          user: USER
          key-file: FOLDER/ssh/key
          known-hosts: FOLDER/ssh/known_hosts
          shell: echo x >> FOLDER/starts; echo made > FOLDER/made
"""
CONFIG = f"""
common: {{grace: 1}}
flows:
  - name: upload
    triggers: [{{name: start, type: data}}]
    tasks:
      - {{name: seed, type: exec, listen: trigger.good, opts: {{cmd: touch seed}}}}
      - name: far
        type: ssh
        listen: task.seed.good
        on-lost: ON-LOST{FAR}          upload: [{{from: seed, to: FOLDER/seed}}]
  - name: download
    triggers: [{{name: start, type: data}}]
    tasks:
      - name: far
        type: ssh
        listen: trigger.good
        on-lost: ON-LOST{FAR}          download: [{{from: FOLDER/made, to: made}}]
"""

ACTS = (
    "append NodeEntered",
    "start command",
    "tell Started",
    "append NodeStarted",
    "tell Exited",
    "append NodeSettled",
    "forget command",
)
"""What a step does for an attempt of the warden."""

SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/ssh/sftp-server",
)
HELD_SFTP = """#!/bin/sh
echo x >> FOLDER/copies
until [ -e FOLDER/go ]; do kill -0 $PPID || exit; sleep 0.05; done
exec SFTP
"""


class Far:
    """A machine with sshd, and what its commands and copies leave there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sshd = folder, Sshd(folder / "ssh")
        self.held = folder / "held-sftp"
        server = next(filter(Path.exists, map(Path, SFTP_SERVERS)))
        self.held.write_text(self._filled(HELD_SFTP).replace("SFTP", str(server)))
        self.held.chmod(0o700)
        self.sshd.start(sftp=str(self.held))

    def _filled(self, text: str) -> str:
        return text.replace("FOLDER", str(self.folder))

    def config(self, on_lost: str) -> str:
        text = self._filled(CONFIG).replace("PORT", str(self.sshd.port)).replace("USER", USER)
        return text.replace("ON-LOST", on_lost)

    def let_go(self) -> None:
        (self.folder / "go").touch()

    @property
    def starts(self) -> int:
        """How often the command began."""
        return self._lines("starts")

    @property
    def copies(self) -> int:
        """How often a copy of files began."""
        return self._lines("copies")

    def _lines(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text().split()) if path.exists() else 0


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    far = Far(tmp_path)
    yield far
    far.let_go()
    far.sshd.stop()


@pytest.fixture
def host_with(tmp_path: Path, far: Far) -> Iterator[Callable[[str], Host]]:
    """Makes the test's host, which decides so about what it lost; at its end nothing is left."""
    hosts: list[Host] = []

    def made(on_lost: str) -> Host:
        hosts.append(Host(tmp_path, far.config(on_lost)))
        return hosts[-1]

    yield made
    for host in hosts:
        host.close()
        until_nothing_is_left(host, far)


def until_nothing_is_left(host: Host, far: Far) -> None:
    """Wait until no process of an ssh task is there, here and on the far side."""
    until(
        lambda: processes_with(f"{host.root}/ssh-") + processes_with(str(far.held)) == [],
        "the end of the last process",
    )


@pytest.mark.parametrize("point", [f"{when} {act}" for act in ACTS for when in ("before", "after")])
def test_far_command_runs_once_though_its_host_dies(
    point: str, host_with: Callable[[str], Host], far: Far, tmp_path: Path
) -> None:
    host, tally = host_with("fail"), tmp_path / "tally"
    far.let_go()
    tally.touch()
    host.launch(crash_host.main, {"FLOE_CRASH_TALLY": str(tally), "FLOE_CRASH_AT": point})
    with suppress(Theirs):  # it may die before it answers
        host.trigger("download", "once")
    until(lambda: not host.is_up(), f"the death {point}")
    died_at = tally.read_text().splitlines()[-1]

    host.start(floe_host, {})
    run = host.trigger("download", "once")
    host.until_over(run)

    assert (died_at, host.node(run, "far")["tag"]) == (point, "task.far.good")
    assert (far.starts, far.copies) == (1, 1)


def copying(host: Host, flow: str, far: Far) -> str:
    """Start a run of a flow; the run, when the far side has begun its copy."""
    host.start()
    run = host.trigger(flow)
    until(lambda: far.copies == 1, "the copy")
    return run


@pytest.mark.parametrize("flow", ["upload", "download"])
def test_copy_goes_on_without_its_host(
    flow: str, host_with: Callable[[str], Host], far: Far
) -> None:
    host = host_with("fail")
    run = copying(host, flow, far)

    host.kill()
    host.start()
    far.let_go()
    host.until_over(run)

    assert host.node(run, "far")["tag"] == "task.far.good"
    assert (far.starts, far.copies) == (1, 1)


@pytest.mark.parametrize(("flow", "started"), [("upload", 0), ("download", 1)])
def test_copy_ends_with_host_and_warden_and_is_not_begun_again(
    flow: str, started: int, host_with: Callable[[str], Host], far: Far
) -> None:
    host = host_with("fail")
    run = copying(host, flow, far)

    host.kill_warden()
    host.kill()
    host.start()
    host.until_over(run)
    until_nothing_is_left(host, far)

    assert host.node(run, "far")["tag"] == "task.far.error"
    assert (far.starts, far.copies) == (started, 1)


@pytest.mark.parametrize(("flow", "started"), [("upload", 1), ("download", 2)])
def test_copy_is_begun_again_on_request_when_host_and_warden_died(
    flow: str, started: int, host_with: Callable[[str], Host], far: Far
) -> None:
    host = host_with("retry")
    run = copying(host, flow, far)

    host.kill_warden()
    host.kill()
    host.start()
    until(lambda: far.copies == 2, "the copy of the next attempt")
    far.let_go()
    host.until_over(run)

    assert host.node(run, "far")["tag"] == "task.far.good"
    assert far.starts == started
