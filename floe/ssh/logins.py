"""With which keys the program logs in, and why a login was refused."""

import getpass
import os
from pathlib import Path
from typing import Any, Final

import asyncssh

from floe.ssh.far_command import FarCommand, SshFailed

DEFAULT: Final = ("id_ed25519", "id_ecdsa", "id_rsa")


def credentials(far: FarCommand) -> dict[str, Any]:
    """The options of asyncssh for a login. Raises SshFailed.

    A key of the flow stands alone, as in `IdentitiesOnly`: a server counts every key that it is
    shown. So does a password.
    """
    if far.key or far.key_file:
        return {"client_keys": [_key(far)], "agent_path": None, "password": far.password or None}
    if far.password:
        return {"client_keys": None, "agent_path": None, "password": far.password}
    return {"client_keys": _own_keys(), "agent_path": os.environ.get("SSH_AUTH_SOCK") or None}


def _key(far: FarCommand) -> asyncssh.SSHKey:
    what = f"the key file {far.key_file}" if far.key_file else "the secret in `key`"
    try:
        if far.key_file:
            return asyncssh.read_private_key(Path(far.key_file).expanduser())
        return asyncssh.import_private_key(far.key)
    except OSError as error:
        raise SshFailed(f"the key file cannot be read: {error}") from None
    except asyncssh.KeyImportError as error:
        if "Passphrase" in str(error):
            hint = "use a key without one, or the ssh agent"
            raise SshFailed(f"{what} has a passphrase: {hint}") from None
        raise SshFailed(f"{what} is not a private key: {error}") from None


def _own_keys() -> list[asyncssh.SSHKey]:
    """The keys of floe's user that can be read without a passphrase."""
    keys = []
    for path in _own_files():
        try:
            keys.append(asyncssh.read_private_key(path))
        except (OSError, asyncssh.KeyImportError):
            continue
    return keys


def _own_files() -> list[Path]:
    folder = Path("~/.ssh").expanduser()
    return [path for name in DEFAULT if (path := folder / name).exists()]


def refusal(far: FarCommand) -> str:
    """What was tried before a login was refused, and what to try."""
    user = far.user or getpass.getuser()
    if far.key or far.password:
        tried = f"it was shown the secret in {'`key`' if far.key else '`password`'}"
    elif far.key_file:
        tried = f"it was shown the key file {far.key_file}"
    else:
        files = ", ".join(map(str, _own_files())) or "none"
        agent = os.environ.get("SSH_AUTH_SOCK") or "none"
        tried = f"key files of floe's user: {files}; agent: {agent}"
    return (
        f"{far.host} refused the login of {user}: {tried}\n"
        f"add the public half of a key to the authorized_keys of {user} there, or name a different "
        "key with key-file"
    )
