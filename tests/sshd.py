"""A real ssh server on loopback, for the user of the tests, with files of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from floe.model.ssh import Ssh
from tests.ports import free_port

USER = pwd.getpwuid(os.geteuid()).pw_name
DEADLINE_S = 60.0


class Sshd:
    """An sshd, its key, the key of its user, a different key, and a file of known hosts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.folder, self.port, self.home = folder, free_port(), folder / "home"
        self.home.mkdir()
        self.key, self.known = folder / "key", folder / "known_hosts"
        for name in ("host", "key", "other"):
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(argv, check=True)
        shutil.copy(folder / "key.pub", folder / "authorized")
        self.knows("host")
        self._process: subprocess.Popen[bytes] | None = None

    def knows(self, name: str, port: int = 0) -> None:
        """Write the file of known hosts: this server has the key of that name."""
        key = (self.folder / f"{name}.pub").read_text().rsplit(" ", 1)[0]
        self.known.write_text(f"[127.0.0.1]:{port or self.port} {key}\n")

    def start(self, *options: str, sftp: str = "internal-sftp") -> None:
        """Serve. `options` are further lines of its config; `sftp` is its program for copies."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        lines = (
            *options,
            "ListenAddress 127.0.0.1",
            f"Port {self.port}",
            f"HostKey {self.folder}/host",
            f"AuthorizedKeysFile {self.folder}/authorized",
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "MaxStartups 100",
            f"Subsystem sftp {sftp}",
            # bash reads ~/.bashrc under sshd. That of a developer may wait for a lock: `pyenv init`
            # does, for a minute if a test has killed its holder.
            f"SetEnv HOME={self.home}",
        )
        (self.folder / "config").write_text("\n".join((*lines, "")))
        sshd = shutil.which("sshd", path="/usr/sbin:/sbin:" + os.environ["PATH"])
        assert sshd, "scripts/dev installs openssh-server"
        argv = [sshd, "-D", "-e", "-f", str(self.folder / "config")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log)
        self._until_answering()

    def _until_answering(self) -> None:
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as tried:
                    if tried.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.01)
        raise AssertionError((self.folder / "log").read_text())

    def sessions(self) -> list[int]:
        """Its processes for connections that are open."""
        assert self._process
        found = [self._process.pid]
        for pid in found:
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                found += [int(one) for one in children if _name(one).startswith("sshd")]
        return found[1:]

    def stop(self) -> None:
        """End it; sessions that are open go on."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def work(self, *argv: str, **others: object) -> Ssh:
        """A command on this server."""
        fields: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "key_file": str(self.key),
            "known_hosts": str(self.known),
            "argv": argv,
        }
        return Ssh(**(fields | others))  # type: ignore[arg-type] # typed where they are read


def _name(pid: str) -> str:
    return Path(f"/proc/{pid}/comm").read_text()


def processes_with(mark: str) -> list[int]:
    """The processes whose command line has this text."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in line:
                found.append(int(folder.name))
    return found
