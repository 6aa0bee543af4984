"""ssh nodes and servers that stall, break off, refuse or do a different thing than they should."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import asyncssh
import pytest

from floe.model.secret_name import SecretName, SecretRef
from floe.model.signal import Exited, Stopped
from floe.model.ssh import FileCopy, Ssh
from floe.model.work import Exec
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.vault import Vault
from tests.cable import Cable
from tests.integration.gits import House
from tests.make_nodes import Reports, a_job, a_key
from tests.make_warden import until
from tests.sshd import USER, Sshd, processes_with
from tests.tcp import serving

PASSWORD = "correct horse"

pytestmark = pytest.mark.slow


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    sshd = Sshd(tmp_path / "ssh")
    yield sshd
    sshd.stop()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    secrets = HostSecrets(
        Vault(tmp_path / "vault.key"), [EnvironmentSecrets({"FLOE_SECRET_WORD": PASSWORD})]
    )
    settings = CommandSettings(host="h1", workspace_root=tmp_path)
    commands = Commands(tmp_path, settings, secrets=secrets)
    await commands.open()
    yield House(tmp_path, commands)
    await commands.shutdown()


@pytest.fixture
def mark() -> Iterator[str]:
    """A text of one test, in the command lines of its far processes; none is left at its end."""
    mark = f"mark-{secrets.token_hex(8)}"
    yield mark
    assert processes_with(mark) == []


async def begun(house: House, work: Ssh) -> tuple[Reports, Path]:
    """Start an attempt, and wait until its far command prints `up`."""
    job, reported = a_job(house.root, work), Reports()
    house.commands.start(job, reported)
    await until(lambda: job.output.exists() and "up" in job.output.read_text())
    return reported, job.output


async def failed(house: House, work: Ssh) -> str:
    """Run a command that gets no connection; what it prints."""
    report = await house.run(work)
    assert isinstance(report, Exited), report
    assert report.status == 255, house.printed
    return house.printed


# --- before the command


@pytest.mark.parametrize("half", [b"", b"SSH-2.0-x", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n\0\0\1"])
async def test_server_that_stops_in_the_middle_of_the_key_exchange_is_named(
    house: House, sshd: Sshd, half: bytes
) -> None:
    async def stalled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(half)
        await reader.read()
        await asyncio.Event().wait()

    async with serving(stalled) as url:
        port = int(url.rpartition(":")[2])
        printed = await failed(house, sshd.work("true", port=port, connect_timeout_s=0.5))

    assert f"the key exchange with 127.0.0.1, port {port} was not complete within 0.5 s" in printed


async def test_login_shell_that_does_not_get_ready_is_named_and_runs_nothing_later(
    house: House, sshd: Sshd, tmp_path: Path, mark: str
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    sshd.start(f'ForceCommand read line <{gate}; eval "$SSH_ORIGINAL_COMMAND" # {mark}')

    printed = await failed(house, sshd.work("touch", str(tmp_path / "ran"), connect_timeout_s=2.0))
    gate.write_text("on\n")
    await until(lambda: processes_with(mark) == [])

    assert "the start of the command on 127.0.0.1 was not complete within 2 s" in printed
    assert not (tmp_path / "ran").exists()


async def test_login_that_runs_a_different_command_is_no_success(house: House, sshd: Sshd) -> None:
    sshd.start("ForceCommand echo welcome")

    printed = await failed(house, sshd.work("true"))

    assert printed.startswith("welcome\n")
    assert "the login shell ended with status 0 before the command began" in printed


async def test_connection_that_ends_before_the_command_says_that_nothing_ran(
    house: House, sshd: Sshd, mark: str
) -> None:
    sshd.start(f"ForceCommand kill -KILL $PPID; sleep 0 # {mark}")

    printed = await failed(house, sshd.work("true"))

    assert "the connection was lost before the command began" in printed


# --- during the command


async def test_server_that_is_frozen_is_given_up(house: House, sshd: Sshd, mark: str) -> None:
    sshd.start()
    work = sshd.work("sh", "-c", "echo up; sleep 600; echo never", mark, keepalive_s=0.5)
    reported, output = await begun(house, work)
    frozen = sshd.sessions()

    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    report = await reported.report()
    await until(lambda: processes_with(mark) == [])
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)

    assert isinstance(report, Exited)
    assert report.status == 255
    assert "the connection was lost before the command ended" in output.read_text()


@pytest.mark.parametrize("how", ["reset", "cut"])
@pytest.mark.parametrize("key", ["upload", "download"])
async def test_file_that_is_copied_by_half_gets_no_name(
    house: House, sshd: Sshd, tmp_path: Path, how: Literal["reset", "cut"], key: str
) -> None:
    sshd.start()
    here, there = house.space / "large", tmp_path / "large"
    source, target = (here, there) if key == "upload" else (there, here)
    await house.good(Exec(argv=("truncate", "--size", "20M", str(source))))
    names = ("large", str(there)) if key == "upload" else (str(there), "large")
    copy = FileCopy(source=names[0], target=names[1])
    cable = Cable(sshd.port, breaks_after=1_000_000, how=how)

    async with serving(cable.carry) as url:
        port = int(url.rpartition(":")[2])
        sshd.knows("host", port)
        work = sshd.work(port=port, keepalive_s=0.5, **{key: (copy,)})
        report = await house.run(work)

    assert isinstance(report, Exited)
    assert report.status in (1, 255), house.printed
    assert f"{key}ed" in house.printed or f"the {key} of" in house.printed
    assert not target.exists()


# --- a server of asyncssh: passwords and signals


class FarCommand(asyncssh.SSHServerSession[str]):
    """A command that prints `up`, and ends at a signal; `exec true` ends at once."""

    def __init__(self, signals: list[str], ends_at: str) -> None:
        self._signals, self._ends_at = signals, ends_at
        self._line = ""

    def connection_made(self, chan: "asyncssh.SSHServerChannel[str]") -> None:
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        self._line = command
        return True

    def session_started(self) -> None:
        self._channel.write("up\n")
        if self._line == "exec true":
            self._channel.exit(0)

    def eof_received(self) -> bool:
        return True  # it goes on

    def signal_received(self, signal: str) -> None:
        self._signals.append(signal)
        if signal == self._ends_at:
            self._channel.exit_with_signal(signal)


class Far(asyncssh.SSHServer):
    """A login by password or key; it keeps the passwords that it was shown."""

    def __init__(self, shown: list[str], signals: list[str], ends_at: str) -> None:
        self._shown, self._signals, self._ends_at = shown, signals, ends_at

    def session_requested(self) -> FarCommand:
        return FarCommand(self._signals, self._ends_at)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._shown.append(password)
        return password == PASSWORD


@asynccontextmanager
async def far_end(
    sshd: Sshd, shown: list[str], signals: list[str], ends_at: str = "TERM"
) -> AsyncIterator[int]:
    """A server whose commands print `up`, and end at a signal; its port."""

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Far(shown, signals, ends_at),
        server_host_keys=[str(sshd.folder / "host")],
        authorized_client_keys=str(sshd.folder / "authorized"),
    )
    sshd.knows("host", server.get_port())
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


def by_password(sshd: Sshd, port: int) -> Ssh:
    word = SecretRef(SecretName("WORD"))
    return sshd.work("true", port=port, key_file="", password=word, direct=True)


async def test_password_logs_in(house: House, sshd: Sshd) -> None:
    shown: list[str] = []
    async with far_end(sshd, shown, []) as port:
        await house.good(by_password(sshd, port))

    assert shown == [PASSWORD]


async def test_refused_password_is_named_and_not_printed(
    house: House, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Far, "validate_password", lambda *_: False)

    async with far_end(sshd, [], []) as port:
        printed = await failed(house, by_password(sshd, port))

    assert (
        f"127.0.0.1 refused the login of {USER}: it was shown the secret in `password`" in printed
    )
    assert PASSWORD not in printed


async def test_password_is_shown_to_no_host_with_a_changed_key(house: House, sshd: Sshd) -> None:
    shown: list[str] = []
    async with far_end(sshd, shown, []) as port:
        sshd.knows("other", port)
        printed = await failed(house, by_password(sshd, port))

    assert "HAS CHANGED" in printed
    assert shown == []


@pytest.mark.parametrize(("ends_at", "expected"), [("TERM", ["TERM"]), ("KILL", ["TERM", "KILL"])])
async def test_direct_command_gets_signals_when_its_attempt_is_stopped(
    house: House, sshd: Sshd, ends_at: str, expected: list[str]
) -> None:
    signals: list[str] = []
    async with far_end(sshd, [], signals, ends_at) as port:
        reported, _ = await begun(house, sshd.work("serve", port=port, direct=True))
        house.commands.stop(a_key())
        report = await reported.report()

    assert isinstance(report, Stopped)
    assert signals == expected
