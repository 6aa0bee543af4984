"""start.sh as a newcomer meets it: in a clean clone, with nothing prepared."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.product import until
from tests.make_locks import versions
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Clone:
    """A clone of this repository's HEAD and the home of the person who works in it.

    Attributes: `printed` is what start.sh printed when it started both hosts.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a clean clone"
        self.home = folder / "home"
        self.root = self.path / ".floe/h1"
        self.port = free_ports(apart=10)
        self.printed = ""
        subprocess.run(["git", "clone", "--quiet", ROOT, self.path], check=True)
        # How packages are fetched on this machine is no part of what is shown here.
        if (pip := Path.home() / ".config/pip").is_dir():
            shutil.copytree(pip, self.home / ".config/pip")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "FLOE_PORT": str(self.port),
            "PIP_CACHE_DIR": str(Path.home() / ".cache/pip"),
            "PIP_COMPILE": "0",  # what hosts import is compiled once, by the first of them
        } | {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

    def start_sh(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run start.sh from elsewhere, as from a terminal."""
        return subprocess.run(
            [self.path / "start.sh", *arguments],
            cwd=self.home.parent,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def runs(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of the clone in it."""
        return subprocess.run(
            words,
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
        )

    def hosts(self) -> list[int]:
        """List the processes that are hosts of this clone."""
        return [pid for pid, line in command_lines() if str(self.path) in line and " host " in line]


def command_lines() -> Iterator[tuple[int, str]]:
    """Yield each process with its directory and its arguments, as far as they can be read."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            directory = (process / "cwd").readlink()
        except (OSError, UnicodeDecodeError):  # gone, or a kernel thread
            continue
        yield int(process.name), f"{directory} {arguments}"


def answers(port: int) -> bool:
    """Whether a program listens: a killed one may still, for a moment after it lost its name."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = Clone(tmp_path_factory.mktemp("start"))
    yield clone
    clone.start_sh("stop")


@pytest.fixture
def started(clone: Clone) -> str:
    """What start.sh printed when it started the hosts. Both run, maybe since an earlier test."""
    if len(clone.hosts()) != 2:
        clone.start_sh("stop")
        first = clone.start_sh()
        assert first.returncode == 0, first.stdout + first.stderr
        clone.printed = first.stdout
    return clone.printed


@pytest.fixture
def stopped(clone: Clone) -> None:
    """No host runs."""
    clone.start_sh("stop")


def test_start_prints_addresses_that_answer(started: str) -> None:
    addresses = re.findall(r"http://\S+/app/dash", started)

    assert len(addresses) == 2
    for address in addresses:
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.status == 200


def test_both_hosts_see_one_another(clone: Clone, started: str) -> None:
    (command,) = re.findall(r"^  Hosts +(.+)$", started, re.MULTILINE)

    def seen() -> bool:
        ran = subprocess.run(
            ["bash", "-c", command + " --json"], env=clone.environment, capture_output=True
        )
        return {h["id"] for h in json.loads(ran.stdout)["hosts"]} == {"h1", "h2"}

    until(seen, "h1 sees h2")


def test_start_prints_a_command_that_works_as_pasted(
    clone: Clone, started: str, tmp_path: Path
) -> None:
    (command,) = re.findall(r"^  Try +(.+)$", started, re.MULTILINE)

    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=clone.environment,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_start_prints_how_to_see_the_token(clone: Clone, started: str, tmp_path: Path) -> None:
    (command,) = re.findall(r"this prints:  (.+)$", started, re.MULTILINE)

    token = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=True)

    assert token.stdout.strip()


@pytest.mark.usefixtures("started")
def test_credentials_are_readable_by_their_owner_only(clone: Clone) -> None:
    kept = [clone.root / "admin-token", clone.home / ".config/floe/client.json"]

    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600, 0o600]


@pytest.mark.usefixtures("started")
def test_second_start_reports_that_it_runs(clone: Clone) -> None:
    before = clone.hosts()

    second = clone.start_sh()

    assert second.returncode == 0
    assert "runs already" in second.stdout
    assert clone.hosts() == before


@pytest.mark.usefixtures("started")
def test_status_reports_that_it_runs(clone: Clone) -> None:
    assert clone.start_sh("status").returncode == 0


@pytest.mark.usefixtures("started")
def test_host_that_died_is_started_where_the_other_looks_for_it(clone: Clone) -> None:
    pid = int((clone.root / "host.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not answers(clone.port), "the end of h1")

    again = clone.start_sh("--port", str(free_ports(apart=10)))

    assert again.returncode == 0, again.stderr
    assert f"http://127.0.0.1:{clone.port}/app/dash" in again.stdout


@pytest.mark.usefixtures("started")
def test_restart_replaces_both_hosts_at_their_ports(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = clone.hosts()
    monkeypatch.setitem(clone.environment, "FLOE_PORT", str(free_ports(apart=10)))

    again = clone.start_sh("restart")

    assert again.returncode == 0, again.stderr
    assert f"http://127.0.0.1:{clone.port}/app/dash" in again.stdout
    assert (len(clone.hosts()), set(clone.hosts()) & set(before)) == (2, set())


@pytest.mark.usefixtures("started")
def test_failed_installation_leaves_the_hosts_as_they_are(clone: Clone) -> None:
    before, lock = clone.hosts(), clone.path / "locks/floe.txt"
    locked = lock.read_text()
    lock.write_text(locked + "no-such-package==1.0 --hash=sha256:00\n")

    refused = clone.start_sh("restart")
    lock.write_text(locked)

    assert refused.returncode == 1
    assert "the installation failed" in refused.stderr
    assert clone.hosts() == before


@pytest.mark.usefixtures("started")
def test_stop_leaves_no_host_behind(clone: Clone) -> None:
    stopped = clone.start_sh("stop")

    assert stopped.returncode == 0
    assert "floe is stopped" in stopped.stdout
    assert clone.hosts() == []


@pytest.mark.usefixtures("stopped")
def test_stop_without_a_host_reports_it(clone: Clone) -> None:
    stopped = clone.start_sh("stop")

    assert stopped.returncode == 0
    assert "does not run" in stopped.stdout


@pytest.mark.usefixtures("stopped")
def test_status_without_a_host_fails(clone: Clone) -> None:
    assert clone.start_sh("status").returncode == 1


def test_port_without_a_number_is_refused(clone: Clone) -> None:
    refused = clone.start_sh("status", "--port")

    assert refused.returncode == 1
    assert "--port takes a number" in refused.stderr


@pytest.mark.usefixtures("stopped")
def test_taken_port_starts_nothing(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", clone.port)):
        refused = clone.start_sh()

    assert refused.returncode == 1
    assert f"port {clone.port} of h1 is taken" in refused.stderr
    assert not (clone.root / "host.pid").exists()
    assert clone.hosts() == []


@pytest.mark.usefixtures("stopped")
def test_host_that_cannot_start_leaves_nothing_behind(clone: Clone) -> None:
    with socket.socket() as bound:  # but not listening: only the host itself finds out
        bound.bind(("127.0.0.1", 0))
        refused = clone.start_sh("--port", str(bound.getsockname()[1]))

    assert refused.returncode == 1
    assert "did not start" in refused.stderr
    assert not (clone.root / "host.pid").exists()
    assert clone.hosts() == []


def installed(clone: Clone) -> dict[str, str]:
    """Each package in the clone's environment, with its version."""
    listed = clone.runs(".venv/bin/python", "-m", "pip", "list", "--format", "json")
    return {
        package["name"].lower().replace("_", "-"): package["version"]
        for package in json.loads(listed.stdout)
    }


@pytest.mark.usefixtures("started")
def test_start_installs_the_versions_that_were_tested(clone: Clone) -> None:
    assert versions("floe").items() <= installed(clone).items()


@pytest.mark.usefixtures("started")
def test_changed_lock_is_installed_again(clone: Clone) -> None:
    clone.runs(".venv/bin/python", "-m", "pip", "uninstall", "--yes", "cronsim")
    with (clone.path / "locks/floe.txt").open("a") as lock:
        lock.write("# one more line\n")

    clone.runs("scripts/venv")

    assert "cronsim" in installed(clone)


@pytest.mark.usefixtures("started")
def test_wheel_with_a_different_hash_is_not_installed(clone: Clone) -> None:
    clone.runs(".venv/bin/python", "-m", "pip", "uninstall", "--yes", "cronsim")
    lock = clone.path / "locks/floe.txt"
    right = lock.read_text()
    lock.write_text(re.sub(r"(?<=cronsim==)(.*\n.*sha256:).{64}", rf"\1{'0' * 64}", right))

    refused = clone.runs("scripts/venv", check=False)

    lock.write_text(right)
    clone.runs("scripts/venv")
    assert refused.returncode == 1
    assert "cronsim" in refused.stderr
    assert "floe: the installation failed" in refused.stderr
