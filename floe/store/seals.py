"""The keys of sealed runs, and the encryption of their events.

Each run has a key of its own. The newest key of the host's key file wraps it, in a row of the
ledger, so a new key of the host rewrites rows of 100 bytes and no log. Without its row, no copy of
a run's log can be read.

Rules of this file: run, sequence number and event are authenticated, so that no body can stand in
for a different one; a nonce is random, since a refused step may be decided differently the next
time; a body without `SEALED` is plain JSON.
"""

import base64
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from floe.key_file import NONCE_BYTES, KeyFile, Keys, cipher
from floe.model.codec import Body
from floe.model.errors import KeyMissing, World, Yours
from floe.model.ids import Json, RunRef
from floe.store.sealing import SEALED

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BITS: Final = 256

CIPHERS_MAX: Final = 10_000
"""Runs whose unwrapped keys are kept."""

_NO_KEYS: Final = Keys(by_id={})


class RunSeals:
    """The keys of the sealed runs of one host."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._keys = _NO_KEYS
        """Those of the key file, and below them those that it had before."""
        self._in_file: tuple[str, ...] = ()
        """The ids of the keys of the file alone, the newest first: only they outlast a restart."""
        self._fault = ""
        self._seen: object = None
        self._rows: dict[str, str] = {}
        self._ciphers: dict[str, AESGCM] = {}

    # --- keys of the host ---

    @property
    def newest(self) -> str:
        """As in the port."""
        return self._keys.newest if self._keys.by_id else ""

    @property
    def known(self) -> frozenset[str]:
        """As in the port."""
        return frozenset(self._in_file)

    def problem(self) -> str:
        """As in the port."""
        if self._keys.by_id:
            return ""
        return self._fault or f"the key file {self._file.path} was not read"

    def prepare(self) -> None:
        """Read the keys of the host, and make the first one if it has no key file. Blocks."""
        if self._file.path.exists() or self._rows:
            self.look()
            return
        try:
            self._set(self._file.with_new_key(_NO_KEYS))
        except World as error:
            self._fault = str(error)

    def look(self) -> bool:
        """Read the key file again if it changed; return whether its keys did. Blocks.

        Where it cannot be read, the keys that were read before stay.
        """
        seen = self._stamp()
        if seen == self._seen and self._keys.by_id:
            return False
        try:
            keys = self._file.read()
        except (Yours, World) as error:
            self._fault = str(error)
            return False
        self._seen, self._fault = seen, ""
        return self._set(keys)

    def _set(self, keys: Keys) -> bool:
        """Keep these keys above those that were read before: unfinished runs may need them."""
        before, self._in_file = self._in_file, tuple(keys.by_id)
        self._keys = Keys(by_id={**keys.by_id, **self._keys.by_id})
        return self._in_file != before

    def _stamp(self) -> object:
        try:
            found = self._file.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode

    # --- keys of runs ---

    def load(self, rows: Mapping[str, Json]) -> None:
        """Take the rows that the store has at a start."""
        self._rows = {key: str(row) for key, row in rows.items()}

    def begin(self, run: RunRef) -> str:
        """As in the port."""
        if not self._keys.by_id:
            raise KeyMissing(f"{run} cannot be sealed: {self.problem()}")
        key = os.urandom(KEY_BITS // 8)
        self._ciphers[run.key] = cipher(key)
        self._rows[run.key] = row = self._wrapped(run.key, key)
        return row

    def take(self, run: RunRef, row: str) -> str:
        """As in the port."""
        id_ = row.partition(" ")[0]
        if id_ not in self._in_file:
            return f"has no key {id_}"
        try:
            key = self._unwrapped(run.key, row)
        except KeyMissing:
            return "cannot read the key of the run"
        self._rows[run.key], self._ciphers[run.key] = row, cipher(key)
        return ""

    def row(self, run: RunRef) -> str:
        """As in the port."""
        return self._rows.get(run.key, "")

    def has(self, key: str) -> bool:
        """Whether a run, by its key, is sealed and its key is here."""
        return key in self._rows

    def forget(self, keys: Collection[str]) -> None:
        """These runs were removed, and their rows with them."""
        for key in keys:
            self._rows.pop(key, None)
            self._ciphers.pop(key, None)

    def uses(self) -> frozenset[str]:
        """The ids of the keys that the rows of runs name."""
        return frozenset(row.partition(" ")[0] for row in self._rows.values())

    def outdated(self, most: int) -> Mapping[str, str]:
        """The rows of some runs under the newest key that have them under an older one.

        A row whose key the host lacks stays as it is.
        """
        found: dict[str, str] = {}
        newest, keys = self.newest, self._keys.by_id
        for key, row in tuple(self._rows.items()):
            id_ = row.partition(" ")[0]
            if id_ != newest and id_ in keys:
                try:
                    found[key] = self._wrapped(key, self._unwrapped(key, row))
                except KeyMissing:
                    continue
                if len(found) == most:
                    break
        return found

    def rewrapped(self, rows: Mapping[str, str]) -> None:
        """These rows are stored now; those of runs that were removed meanwhile are not."""
        self._rows |= {key: row for key, row in rows.items() if key in self._rows}

    def _wrapped(self, run: str, key: bytes) -> str:
        nonce, newest = os.urandom(NONCE_BYTES), self._keys.newest
        data = cipher(self._keys.by_id[newest]).encrypt(nonce, key, _bound(run))
        return f"{newest} {base64.b64encode(nonce + data).decode()}"

    def _unwrapped(self, run: str, row: str) -> bytes:
        id_, _, text = row.partition(" ")
        if id_ not in self._keys.by_id:
            what = f"{run} is sealed with the key {id_}, which {self._file.path} lacks"
            raise KeyMissing(what, "add the line of that key to the file: the run then goes on")
        try:
            data = base64.b64decode(text)
            nonce, data = data[:NONCE_BYTES], data[NONCE_BYTES:]
            return cipher(self._keys.by_id[id_]).decrypt(nonce, data, _bound(run))
        except Exception:  # InvalidTag is no ValueError; whatever fails, it is damaged
            raise KeyMissing(f"the key of {run} is damaged") from None

    def _cipher(self, run: str) -> "AESGCM":
        if found := self._ciphers.get(run):
            return found
        row = self._rows.get(run)
        if row is None:
            what = f"{run} is sealed, and its key is not at this host"
            raise KeyMissing(what, "it was removed with the run, or is at the host that ran it")
        found = cipher(self._unwrapped(run, row))
        if len(self._ciphers) >= CIPHERS_MAX:
            self._ciphers.clear()
        self._ciphers[run] = found
        return found

    # --- bodies ---

    def seal(self, run: RunRef, seq: int, event: str, text: str) -> bytes:
        """As in the port."""
        nonce, key = os.urandom(NONCE_BYTES), run.key
        data = self._cipher(key).encrypt(nonce, text.encode(), f"{key}\0{seq}\0{event}".encode())
        return SEALED + nonce + data

    def opened(self, run: RunRef, seq: int, event: str, body: Body) -> str:
        """As in the port."""
        if isinstance(body, str):
            return body
        if body[:1] != SEALED:
            return body.decode()
        key = run.key
        cipher_, nonce = self._cipher(key), body[1 : 1 + NONCE_BYTES]
        try:
            bound = f"{key}\0{seq}\0{event}".encode()
            return cipher_.decrypt(nonce, body[1 + NONCE_BYTES :], bound).decode()
        except Exception:  # InvalidTag is no ValueError; whatever fails, it is damaged
            raise KeyMissing(f"event {seq} of {key} is damaged, or its key is another's") from None


def _bound(run: str) -> bytes:
    return f"floe run key\0{run}".encode()
