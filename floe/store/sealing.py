"""The port to the keys of sealed runs, and what a host without any has in its place."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from floe.model.codec import Body
from floe.model.errors import KeyMissing
from floe.model.ids import Json, RunRef

SEALED: Final = b"\x01"
"""The first byte of a sealed body; JSON never begins with it."""

Opened = Callable[[RunRef, int, str, Body], str]
"""The text of the body of an event: its run, its sequence number, its name, its body."""

RUN_KEY: Final = "runkey"
"""Rows of the ledger: a sealed run, by key, to its wrapped key: the id of the key of the host that
wraps it, a blank, and base64."""


class Seals(Protocol):
    """The port for the keys of sealed runs. Calls on the loop never block."""

    @property
    def newest(self) -> str:
        """The id of the host's key for the keys of new runs; empty while there is none."""
        ...

    @property
    def known(self) -> frozenset[str]:
        """The ids of all keys of the host."""
        ...

    def problem(self) -> str:
        """Why no key of a run can be made, as a sentence; empty if one can."""
        ...

    def begin(self, run: RunRef) -> str:
        """Make the key of a run; return its row. Raises KeyMissing."""
        ...

    def take(self, run: RunRef, row: str) -> str:
        """Take the row of a run that comes from a peer; return why its key cannot be had."""
        ...

    def row(self, run: RunRef) -> str:
        """The row of a run; empty for none."""
        ...

    def seal(self, run: RunRef, seq: int, event: str, text: str) -> bytes:
        """Encrypt a text for its place in the log of a run. Raises KeyMissing."""
        ...

    def opened(self, run: RunRef, seq: int, event: str, body: Body) -> str:
        """The text of a body, sealed or not; from any thread. Raises KeyMissing."""
        ...


class HostSeals(Seals, Protocol):
    """The same for the shell of a host, which owns the rows and the key file."""

    def load(self, rows: Mapping[str, Json]) -> None:
        """Take the rows that the store has at a start."""
        ...

    def prepare(self) -> None:
        """Read the key file, and make it if no run needs an older one. Blocks."""
        ...

    def look(self) -> bool:
        """Read the key file again if it changed; return whether its keys did. Blocks."""
        ...

    def has(self, key: str) -> bool:
        """Whether a run, by its key, is sealed and has a row."""
        ...

    def forget(self, keys: Collection[str]) -> None:
        """These runs were removed, and their rows with them."""
        ...

    def uses(self) -> frozenset[str]:
        """The ids of the host's keys that the rows of runs name."""
        ...

    def outdated(self, most: int) -> Mapping[str, str]:
        """Rows of runs under the newest key that have them under an older one. May block."""
        ...

    def rewrapped(self, rows: Mapping[str, str]) -> None:
        """These rows are stored now."""
        ...


def opened_plain(run: RunRef, seq: int, event: str, body: Body) -> str:
    """The text of a body where no key is at hand. Raises KeyMissing for a sealed one."""
    if isinstance(body, bytes) and body[:1] == SEALED:
        raise KeyMissing(f"{run} is sealed, and its key is not at hand")
    return body if isinstance(body, str) else body.decode()


class NoSeals:
    """The keys of a host that seals no run."""

    @property
    def newest(self) -> str:
        return ""

    @property
    def known(self) -> frozenset[str]:
        return frozenset()

    def problem(self) -> str:
        return "this host keeps no keys"

    def begin(self, run: RunRef) -> str:
        raise KeyMissing(f"{run} cannot be sealed: this host keeps no keys")

    def take(self, run: RunRef, row: str) -> str:
        return "keeps no keys"

    def row(self, run: RunRef) -> str:
        return ""

    def seal(self, run: RunRef, seq: int, event: str, text: str) -> bytes:
        raise KeyMissing(f"{run} cannot be sealed: this host keeps no keys")

    def opened(self, run: RunRef, seq: int, event: str, body: Body) -> str:
        return opened_plain(run, seq, event, body)

    def load(self, rows: Mapping[str, Json]) -> None:
        pass

    def prepare(self) -> None:
        pass

    def look(self) -> bool:
        return False

    def has(self, key: str) -> bool:
        return False

    def forget(self, keys: Collection[str]) -> None:
        pass

    def uses(self) -> frozenset[str]:
        return frozenset()

    def outdated(self, most: int) -> Mapping[str, str]:
        return {}

    def rewrapped(self, rows: Mapping[str, str]) -> None:
        pass


NO_SEALS: Final = NoSeals()
