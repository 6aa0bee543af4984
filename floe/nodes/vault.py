"""The vault of a host: secrets in its store, encrypted with a key beside it.

Rules of this file: a value is encrypted with AES-256-GCM under the newest key of the key file; name
and store are authenticated, so that no row can stand in for a different one. A row names its key.
What cannot be read is no secret of the host, and its problem is shown. A key is in the key file, on
the disk, before the first row names it, and leaves the file after the last one.

The row of a replaced value has a key of two words, such as `NPM_TOKEN 4fZc…`, and the runs that may
have the value: it is masked until they are packed.

The library for the encryption is imported when the first secret is set or read: most hosts start
without it.
"""

import base64
import os
import secrets
import stat
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from floe.expr.masking import value_fault
from floe.files import opened_plain, reason_of
from floe.model.errors import World, Yours
from floe.model.ids import Instant, Json, StoreId
from floe.model.nouns import dataclass
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, secret_name
from floe.nodes.base import KeyUse, SecretRows, ShownSecret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = structlog.get_logger()

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_FILE_MAX: Final = 64 * 1024
REPLACED_MAX: Final = 1000
"""Replaced values that are kept; a further one removes the oldest."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
OWNER: Final = ""
"""The key of the row with the store that the values are bound to: a copy of the store that was
restored has a different id, and the same secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of the vault by their ids, the newest first."""

    by_id: Mapping[str, bytes]

    @property
    def newest(self) -> str:
        """The id of the vault's key for new values."""
        return next(iter(self.by_id))


class Vault:
    """The secrets in the store of one host. Its calls may block."""

    def __init__(self, key_file: Path) -> None:
        self.key_file = key_file
        self._rows: dict[str, Mapping[str, Json]] = {}
        self._values: dict[str, Secret] = {}
        self._problems: dict[str, str] = {}
        self._store = ""

    def values(self) -> Mapping[SecretName, Secret]:
        """All that could be decrypted."""
        return {SecretName(key): value for key, value in self._values.items() if " " not in key}

    def replaced_values(self) -> list[tuple[SecretName, Secret]]:
        """Values that were replaced, and that runs may have."""
        return [(_name_of(key), value) for key, value in self._values.items() if " " in key]

    def problem(self, name: SecretName) -> str:
        """Why a secret cannot be decrypted; empty if it can, or if there is none."""
        return self._problems.get(name, "")

    def shown(self) -> list[ShownSecret]:
        """What people see of each secret, by name."""
        return [
            ShownSecret(
                name=name,
                source="vault",
                set_at=Instant(at) if isinstance(at := row.get("at"), int) else None,
                set_by=str(row.get("by", "")),
                problem=self.problem(name),
            )
            for key, row in sorted(self._rows.items())
            if (name := secret_name(key))
        ]

    def open(self, rows: Mapping[str, Json], store: StoreId) -> None:
        """Decrypt the rows of a store; a problem is logged, and is shown with its secret."""
        owner = rows.get(OWNER)
        self._store = str(owner["store"]) if isinstance(owner, Mapping) else str(store)
        self.keep({key: row for key, row in rows.items() if isinstance(row, Mapping)})
        for name, problem in self._problems.items():
            log.error("secret.unreadable", name=name, why=problem)

    def sealed(self, name: SecretName, value: str, at: Instant, by: str) -> SecretRows:
        """The rows to store for a secret. Raises Yours for the value or the key file, World."""
        if fault := value_fault(value):
            raise Yours(f"{name}: {fault}")
        is_used = self._rows or self.key_file.exists()
        keys = self._keys() if is_used else self._with_new_key(Keys(by_id={}))
        row = {**self._encrypted(name, value, keys), "at": at, "by": by}
        return {name: row, OWNER: {"store": self._store}}

    def replaced(self, name: SecretName, runs: Sequence[str]) -> SecretRows:
        """The rows to store that keep the present value of a secret for runs, by their keys."""
        row = self._rows.get(name)
        if not row or not runs:
            return {}
        kept = [key for key in self._rows if " " in key]
        oldest = {kept[0]: None} if len(kept) >= REPLACED_MAX else {}
        return {**oldest, f"{name} {row['nonce']}": {**row, "runs": [*runs]}}

    def outlived(self, runs: Collection[str]) -> SecretRows:
        """The rows to remove of replaced values, if these are all runs that are not packed."""
        return {
            key: None
            for key, row in self._rows.items()
            if " " in key and isinstance(ids := row["runs"], list | tuple) and not {*ids} & {*runs}
        }

    def sealed_again(self) -> SecretRows:
        """The rows to store for all values under a new key, which the key file has then.

        What cannot be read stays under its key. Raises Yours, World.
        """
        if not self.values():
            raise Yours("the vault has no secret that can be read, so no key is replaced")
        keys = self._with_new_key(self._keys())
        return {
            key: {**self._rows[key], **self._encrypted(_name_of(key), value.reveal(), keys)}
            for key, value in self._values.items()
        }

    def drop_keys(self) -> KeyUse:
        """Remove the keys that no row names from the key file. Raises Yours, World."""
        keys, names = self._keys(), dict[str, set[SecretName]]()
        for key, row in self._rows.items():
            names.setdefault(str(row.get("key")), set()).add(_name_of(key))
        kept = {id_: key for id_, key in keys.by_id.items() if id_ in names or id_ == keys.newest}
        if kept != keys.by_id:
            self._write(kept)
            log.info("vault.keys_removed", keys=sorted(keys.by_id.keys() - kept.keys()))
        newest = names.pop(keys.newest, set())
        return KeyUse(key=keys.newest, names=newest, others=names)

    def keep(self, rows: SecretRows) -> None:
        """These rows are stored; None is removed."""
        for key, row in rows.items():
            if secret_name(name := _name_of(key)) is None:
                continue
            self._values.pop(key, None)
            self._problems.pop(key, None)
            if not isinstance(row, Mapping):
                self._rows.pop(key, None)
                continue
            self._rows[key] = row
            try:
                self._values[key] = self._opened(name, row)
            except (Yours, World) as error:
                self._problems[key] = str(error)

    def _opened(self, name: SecretName, row: Mapping[str, Json]) -> Secret:
        """The value of a row. Raises Yours, World."""
        keys, key = self._keys(), str(row.get("key"))
        if key not in keys.by_id:
            hint = f"add the line of that key to {self.key_file}, or set the secret again"
            raise Yours(f"it was encrypted with the key {key}, which the key file lacks", hint)
        try:
            nonce, data = (base64.b64decode(str(row[part])) for part in ("nonce", "data"))
            text = _cipher(keys.by_id[key]).decrypt(nonce, data, self._bound(name)).decode()
        except Exception:  # InvalidTag is no ValueError; whatever fails, it is damaged
            what = "its row is damaged, or is that of a different secret or store"
            raise Yours(what, "set the secret again") from None
        return Secret(text)

    def _bound(self, name: SecretName) -> bytes:
        return f"floe secret\0{self._store}\0{name}".encode()

    def _keys(self) -> Keys:
        """The keys of the key file. Raises Yours, World."""
        try:
            fd = opened_plain(self.key_file)
        except FileNotFoundError:
            hint = "restore it, or remove the secrets and set them again"
            raise Yours(f"the key file {self.key_file} is missing", hint) from None
        except OSError as error:
            raise World(f"the key file {self.key_file}: {reason_of(error)}") from error
        try:
            found = os.fstat(fd)
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                what = f"other users can read the key file {self.key_file}"
                raise Yours(what, f"chmod 600 {self.key_file}, and set the secrets again")
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
            what = f"the key file {self.key_file} is damaged: each line is a key of 64 hex digits"
            raise Yours(what, "restore it")
        return Keys(by_id=keys)

    def _encrypted(self, name: SecretName, value: str, keys: Keys) -> Mapping[str, Json]:
        """The part of a row that holds the value."""
        nonce = os.urandom(NONCE_BYTES)
        data = _cipher(keys.by_id[keys.newest]).encrypt(nonce, value.encode(), self._bound(name))
        return {
            "key": keys.newest,
            "nonce": base64.b64encode(nonce).decode(),
            "data": base64.b64encode(data).decode(),
        }

    def _with_new_key(self, keys: Keys) -> Keys:
        """These keys behind a new one, as the key file has them now. Raises World."""
        key = secrets.token_bytes(KEY_BYTES)
        found = Keys(by_id={_id_of(key): key, **keys.by_id})
        self._write(found.by_id)
        log.info("vault.key_made", file=str(self.key_file), key=found.newest)
        return found

    def _write(self, keys: Mapping[str, bytes]) -> None:
        """Replace the key file; on return it is on the disk. Raises World."""
        part = self.key_file.with_name(f"{self.key_file.name}.part")
        try:
            part.unlink(missing_ok=True)  # of a process that was killed
            try:
                with os.fdopen(os.open(part, _NEW, 0o600), "w") as file:
                    file.writelines(f"{key.hex()}\n" for key in keys.values())
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(self.key_file)
            except OSError:
                part.unlink(missing_ok=True)
                raise
            folder = os.open(self.key_file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            what = f"the key file {self.key_file} cannot be written: {reason_of(error)}"
            raise World(what) from error


def _name_of(key: str) -> SecretName:
    """The secret of a row, also of a replaced value."""
    return SecretName(key.partition(" ")[0])


def _id_of(key: bytes) -> str:
    return sha256(b"floe key\0" + key).hexdigest()[:8]


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
