"""git over ssh, with a real server that floe does not know or that does not know floe."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.model.errors import Theirs
from floe.model.work import Git, GitCheckout
from floe.nodes.documents import DocumentFiles
from floe.nodes.refs import RemoteRefs
from tests.integration.gits import House, Repository

USER = pwd.getpwuid(os.geteuid()).pw_name


class Server:
    """An sshd on loopback for the user of the tests, with files of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.known = folder / "known_hosts"

    def url(self, remote: Repository) -> str:
        return f"ssh://{USER}@127.0.0.1:{self.port}{remote.folder}"

    def env(self) -> tuple[str, ...]:
        options = f"-o UserKnownHostsFile={self.known} -o GlobalKnownHostsFile=/nonexistent"
        return (f"GIT_SSH_COMMAND=ssh -F /dev/null {options}",)

    def trust(self) -> None:
        """Add the server's key to the known ones."""
        key = (self.folder / "host.pub").read_text().rsplit(" ", 1)[0]
        self.known.write_text(f"[127.0.0.1]:{self.port} {key}\n")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "key", "other"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True)
    shutil.copy(folder / "key.pub", folder / "authorized")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        sshd = shutil.which("sshd", path="/usr/sbin:/sbin:" + os.environ["PATH"])
        Path("/run/sshd").mkdir(exist_ok=True)
        (folder / "config").write_text(
            f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nStrictModes no\n"
            "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin yes\n"
        )
        argv = [str(sshd), "-i", "-e", "-f", str(folder / "config")]
        async with asyncio.TaskGroup() as tasks:
            sock.setblocking(False)
            accepting = tasks.create_task(_serve(sock, argv, tasks))
            yield Server(folder, port)
            accepting.cancel()


async def _serve(sock: socket.socket, argv: list[str], tasks: asyncio.TaskGroup) -> None:
    """Start an sshd for each connection, as inetd does: no port is taken twice."""
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(sock)
        connection.setblocking(True)
        fd = connection.fileno()
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=fd, stdout=fd, stderr=asyncio.subprocess.DEVNULL
        )
        connection.close()
        tasks.create_task(_reaped(process))


async def _reaped(process: asyncio.subprocess.Process) -> None:
    await process.wait()


def work(server: Server, remote: Repository, key: str = "key") -> GitCheckout:
    key_file = str(server.folder / key)
    return GitCheckout(git=Git(url=server.url(remote), branch="main", key_file=key_file))


async def test_host_that_is_known_is_fetched_from(
    house: House, remote: Repository, server: Server
) -> None:
    server.trust()

    outputs = await house.good(work(server, remote), env=server.env())

    assert outputs["hash"] == remote.git("rev-parse", "main")


async def test_host_that_is_not_known_is_named_with_the_file_and_the_command(
    house: House, remote: Repository, server: Server
) -> None:
    printed = await house.bad(work(server, remote), env=server.env())

    name = f"[127.0.0.1]:{server.port}"
    assert f"the key of the host {name} is not known: ssh looked in {server.known}" in printed
    assert f"ssh-keyscan -p {server.port} -H 127.0.0.1 >> {server.known}" in printed
    assert f"as the user {USER}" in printed


async def test_what_the_output_shows_about_an_unknown_host_helps(
    house: House, remote: Repository, server: Server
) -> None:
    printed = await house.bad(work(server, remote), env=server.env())
    command = next(line for line in printed.splitlines() if "then add it" in line)
    add = await asyncio.create_subprocess_shell(command.split(": ", 2)[2])
    await add.wait()

    outputs = await house.good(work(server, remote), env=server.env())

    assert outputs["hash"] == remote.git("rev-parse", "main")


async def test_host_whose_key_has_changed_is_named(
    house: House, remote: Repository, server: Server
) -> None:
    server.trust()
    key = (server.folder / "other.pub").read_text().rsplit(" ", 1)[0]
    server.known.write_text(f"[127.0.0.1]:{server.port} {key}\n")

    printed = await house.bad(work(server, remote), env=server.env())

    assert f"is not the one that {server.known}" in printed
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f {server.known}" in printed


async def test_keys_that_were_refused_are_named(
    house: House, remote: Repository, server: Server
) -> None:
    server.trust()

    printed = await house.bad(work(server, remote, "other"), env=server.env())

    assert f"tried the key files {server.folder}/other" in printed


async def test_key_file_that_is_not_there_is_named(
    house: House, remote: Repository, server: Server
) -> None:
    server.trust()

    printed = await house.bad(work(server, remote, "nope"), env=server.env())

    assert f"not there: {server.folder}/nope" in printed


async def test_poll_and_flow_file_report_it_too(
    tmp_path: Path, remote: Repository, server: Server
) -> None:
    refs, documents = RemoteRefs(), DocumentFiles(tmp_path / "root")
    git = Git(url=server.url(remote), branch="main", key_file=str(server.folder / "key"))

    with pytest.raises(Theirs, match="is not known: ssh looked in"):
        await refs.refs(git, "refs/heads/*")
    with pytest.raises(Theirs, match="is not known: ssh looked in"):
        await documents.read(f"{git.url}/a.txt", git=git)

    refs.close()
