"""Whether a host has the key that floe's user knows of it, and what to do if it has not."""

import os
import shlex
from pathlib import Path
from typing import Final

import asyncssh

from floe.ssh.far_command import SshFailed

OWN: Final = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
PORT: Final = 22


class KnownHost:
    """What the files of known hosts have about one host."""

    def __init__(self, host: str, port: int, file: str) -> None:
        """`file`: empty for the user's and the system's own. Raises SshFailed."""
        self._host, self._port = host, port
        self._files = [os.path.expanduser(one) for one in ((file,) if file else OWN)]  # noqa: PTH111
        self._name = host if port == PORT else f"[{host}]:{port}"
        self.keys: list[asyncssh.SSHKey] = []
        self.authorities: list[asyncssh.SSHKey] = []
        self.revoked: list[asyncssh.SSHKey] = []
        for path in self._files:
            self._read(path, is_needed=bool(file))

    def _read(self, path: str, *, is_needed: bool) -> None:
        try:
            text = Path(path).read_text(errors="replace")
        except FileNotFoundError:
            if is_needed:
                raise SshFailed(f"the file of known hosts {path} is not there") from None
            return
        except OSError as error:
            raise SshFailed(f"the file of known hosts cannot be read: {error}") from None
        try:
            known = asyncssh.import_known_hosts(text)
        except ValueError as error:
            raise SshFailed(f"{path}: {error}") from None
        # Without the address: a key counts for the name that the flow has.
        port = None if self._port == PORT else self._port
        keys, authorities, revoked, *_ = known.match(self._host, "", port)
        self.keys += keys
        self.authorities += authorities
        self.revoked += revoked

    @property
    def algorithms(self) -> list[str]:
        """The algorithms of host keys, those of the known keys first."""
        own = [name.decode() for key in self.keys for name in key.sig_algorithms]
        certificates = asyncssh.public_key.get_default_certificate_algs()
        plain = asyncssh.public_key.get_default_public_key_algs()
        others = [name.decode() for name in (*certificates, *plain)]
        if self.authorities:
            return list(dict.fromkeys((*others, *own)))
        return list(dict.fromkeys((*own, *others)))

    def fault(self, key: asyncssh.SSHKey) -> str:
        """Why the host's key is not trusted, and what to try."""
        shown = f"{key.get_algorithm()} {key.get_fingerprint()}"
        host, port = self._host, self._port
        scan = "ssh-keyscan" + (f" -p {port}" if port != PORT else "")
        file = shlex.quote(self._files[0])
        add = f"{scan} -H {shlex.quote(host)} >> {file}"
        drop = f"ssh-keygen -R {shlex.quote(self._name)} -f {file}"
        looked = " and ".join(self._files)
        if self.keys or self.authorities:
            known = ", ".join(f"{one.get_algorithm()} {one.get_fingerprint()}" for one in self.keys)
            return "\n".join(
                (
                    f"THE KEY OF THE HOST {self._name} HAS CHANGED, so nothing was sent to it",
                    "either a different machine answers there, or its owner has changed the key",
                    f"the host shows {shown}",
                    f"{looked} has {known or 'an authority that did not sign it'}",
                    "if its owner confirms the new one: " + f"{drop} && {add}",
                )
            )
        return "\n".join(
            (
                f"the key of the host {self._name} is not known: floe looked in {looked}",
                f"the host shows {shown}",
                "compare this fingerprint with the one that its owner publishes, then add it: "
                + add,
            )
        )
