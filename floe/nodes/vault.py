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
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

from floe.expr.masking import value_fault
from floe.key_file import NONCE_BYTES, KeyFile, Keys, cipher
from floe.model.errors import World, Yours
from floe.model.ids import Instant, Json, StoreId
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, secret_name
from floe.nodes.base import KeyUse, SecretRows, ShownSecret

log = structlog.get_logger()

REPLACED_MAX: Final = 1000
"""Replaced values that are kept; a further one removes the oldest."""
OWNER: Final = ""
"""The key of the row with the store that the values are bound to: a copy of the store that was
restored has a different id, and the same secrets."""


class Vault:
    """The secrets in the store of one host. Its calls may block."""

    def __init__(self, key_file: Path) -> None:
        self.key_file = KeyFile(key_file)
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
        is_used = self._rows or self.key_file.path.exists()
        keys = self.key_file.read() if is_used else self.key_file.with_new_key(Keys(by_id={}))
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

    def sealed_again(self, *, has_runs: bool = False) -> SecretRows:
        """The rows to store for all values under a new key, which the key file has then.

        What cannot be read stays under its key. `has_runs`: sealed runs need a new key, too.
        Raises Yours, World.
        """
        if not self.values() and not has_runs:
            raise Yours("the vault has no secret that can be read, so no key is replaced")
        keys = self.key_file.with_new_key(self.key_file.read())
        return {
            key: {**self._rows[key], **self._encrypted(_name_of(key), value.reveal(), keys)}
            for key, value in self._values.items()
        }

    def drop_keys(self, used: Collection[str] = ()) -> KeyUse:
        """Remove the keys that no row names from the key file. Raises Yours, World.

        `used`: keys that sealed runs need.
        """
        keys, names = self.key_file.read(), dict[str, set[SecretName]]()
        for key, row in self._rows.items():
            names.setdefault(str(row.get("key")), set()).add(_name_of(key))
        needed = {keys.newest, *names, *used}
        kept = {id_: key for id_, key in keys.by_id.items() if id_ in needed}
        if kept != keys.by_id:
            self.key_file.write(kept)
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
        keys, key = self.key_file.read(), str(row.get("key"))
        if key not in keys.by_id:
            hint = f"add the line of that key to {self.key_file.path}, or set the secret again"
            raise Yours(f"it was encrypted with the key {key}, which the key file lacks", hint)
        try:
            nonce, data = (base64.b64decode(str(row[part])) for part in ("nonce", "data"))
            text = cipher(keys.by_id[key]).decrypt(nonce, data, self._bound(name)).decode()
        except Exception:  # InvalidTag is no ValueError; whatever fails, it is damaged
            what = "its row is damaged, or is that of a different secret or store"
            raise Yours(what, "set the secret again") from None
        return Secret(text)

    def _bound(self, name: SecretName) -> bytes:
        return f"floe secret\0{self._store}\0{name}".encode()

    def _encrypted(self, name: SecretName, value: str, keys: Keys) -> Mapping[str, Json]:
        """The part of a row that holds the value."""
        nonce = os.urandom(NONCE_BYTES)
        data = cipher(keys.by_id[keys.newest]).encrypt(nonce, value.encode(), self._bound(name))
        return {
            "key": keys.newest,
            "nonce": base64.b64encode(nonce).decode(),
            "data": base64.b64encode(data).decode(),
        }


def _name_of(key: str) -> SecretName:
    """The secret of a row, also of a replaced value."""
    return SecretName(key.partition(" ")[0])
