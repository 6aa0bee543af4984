"""The key file of a host: one key a line, the newest first.

Rules of this file: a key is in the file, on the disk, before anything is encrypted with it. The
library for the encryption is imported with the first use: most hosts start without it.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from floe.files import opened_plain, reason_of
from floe.model.errors import World, Yours
from floe.model.nouns import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = structlog.get_logger()

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_FILE_MAX: Final = 64 * 1024
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of a key file by their ids, the newest first."""

    by_id: Mapping[str, bytes]

    @property
    def newest(self) -> str:
        """The id of the key for new values."""
        return next(iter(self.by_id))


class KeyFile:
    """A file with the keys of a host. Its calls may block."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Keys:
        """The keys of the file. Raises Yours, World."""
        try:
            fd = opened_plain(self.path)
        except FileNotFoundError:
            hint = "restore it, or remove the secrets and set them again"
            raise Yours(f"the key file {self.path} is missing", hint) from None
        except OSError as error:
            raise World(f"the key file {self.path}: {reason_of(error)}") from error
        try:
            found = os.fstat(fd)
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                what = f"other users can read the key file {self.path}"
                raise Yours(what, f"chmod 600 {self.path}, and set the secrets again")
            lines = os.read(fd, KEY_FILE_MAX).decode(errors="replace").split()
        finally:
            os.close(fd)
        keys: dict[str, bytes] = {}
        for line in lines:
            with suppress(ValueError):
                key = bytes.fromhex(line)
                if len(key) == KEY_BYTES:
                    keys[_id_of(key)] = key
        if not keys or len(keys) < len(lines):
            what = f"the key file {self.path} is damaged: each line is a key of 64 hex digits"
            raise Yours(what, "restore it")
        return Keys(by_id=keys)

    def with_new_key(self, keys: Keys) -> Keys:
        """These keys behind a new one, as the key file has them now. Raises World."""
        key = secrets.token_bytes(KEY_BYTES)
        found = Keys(by_id={_id_of(key): key, **keys.by_id})
        self.write(found.by_id)
        log.info("vault.key_made", file=str(self.path), key=found.newest)
        return found

    def write(self, keys: Mapping[str, bytes]) -> None:
        """Replace the key file; on return it is on the disk. Raises World."""
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            part.unlink(missing_ok=True)  # of a process that was killed
            try:
                with os.fdopen(os.open(part, _NEW, 0o600), "w") as file:
                    file.writelines(f"{key.hex()}\n" for key in keys.values())
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(self.path)
            except OSError:
                part.unlink(missing_ok=True)
                raise
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            what = f"the key file {self.path} cannot be written: {reason_of(error)}"
            raise World(what) from error


def _id_of(key: bytes) -> str:
    return sha256(b"floe key\0" + key).hexdigest()[:8]


def cipher(key: bytes) -> "AESGCM":
    """The cipher of a key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
