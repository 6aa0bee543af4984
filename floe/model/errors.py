"""One tree of errors, by who can act.

    FloeError
    ├── Yours            the caller's mistake
    │   ├── IdInvalid      an id that does not match its pattern
    │   ├── ConfigInvalid  a document with findings
    │   ├── ValuesInvalid  form values that do not fit their form
    │   ├── NotFound       no such flow, run, node, host
    │   ├── Lost           it was there, and is gone for good with its host
    │   ├── Conflict       the thing is no longer in the state the caller believes
    │   ├── TooLarge       more bytes than the documented limit
    │   ├── Denied         no or wrong credentials
    │   └── NotYet         documented, but not built
    ├── Theirs           another floe or a remote server answered wrongly
    └── World            this machine: disk, ports, database
        ├── HostAway       another host is needed, and does not answer
        ├── StoreBusy      the store is used by another process
        ├── StoreForeign   the directory is not a floe store, or of a newer version
        ├── StoreConflict  an append whose expected sequence number is not the store's
        └── StoreFailed    the disk refused

The texts are for readers: passwords in URLs are hidden when an error is made, wherever it goes.
Each carries its values and a `hint` when the person who reads it can act. `server` maps the
branches to 4xx, 502 and 503 in one place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from floe.model.secret import without_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or doubtful, in a document."""

    file: str
    line: int
    """From 1; 0 where the document as a whole is meant."""
    col: int
    """From 1; 0 likewise."""
    what: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        for name in ("file", "what", "hint"):
            object.__setattr__(self, name, without_password(getattr(self, name)))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.col}" if self.line else self.file
        return f"{where}: {self.level}: {self.what}" + (
            f"\n    try: {self.hint}" if self.hint else ""
        )


class FloeError(Exception):
    """Any condition that floe names. `str` is the sentence for the reader."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = without_password(what)
        self.hint = without_password(hint)
        super().__init__(self.what)


class Yours(FloeError):
    """The caller asked for something that cannot be."""


class IdInvalid(Yours):
    """An id that does not match its pattern."""

    def __init__(self, kind: str, text: str, hint: str = "") -> None:
        super().__init__(f"{text[:80]!r} is not a {kind}", hint)


class ConfigInvalid(Yours):
    """A document that cannot be used; `findings` has every reason at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(f) for f in findings))
        self.findings = tuple(findings)


class ValuesInvalid(Yours):
    """Form values that do not fit; `fields` maps a field's id to what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = {k: without_password(v) for k, v in fields.items()}
        super().__init__("; ".join(f"{k}: {v}" for k, v in self.fields.items()))


class NotFound(Yours):
    """No such flow, run, node or host."""


class Lost(Yours):
    """What was asked for is gone for good, with the host that had it."""

    def __init__(self, what: str, *, host: str, since: int) -> None:
        """`since`: the instant at which that was said of the host."""
        super().__init__(what)
        self.host = host
        self.since = since


class Conflict(Yours):
    """The thing is no longer in the state the caller believes."""


class TooLarge(Yours):
    """More than the documented limit."""


class Denied(Yours):
    """No credentials, or wrong ones."""


class NotYet(Yours):
    """Documented, but not built."""


class Theirs(FloeError):
    """A remote server or another floe answered wrongly or not at all."""


class World(FloeError):
    """This machine refused."""


class HostAway(World):
    """Another host is needed, and does not answer."""

    def __init__(self, what: str, hint: str = "", *, host: str, since: int | None = None) -> None:
        """`since`: the instant of its last word; None where none ever came."""
        super().__init__(what, hint)
        self.host = host
        self.since = since


class StoreBusy(World):
    """The store is used by another process."""


class StoreForeign(World):
    """The directory is not a floe store, or was written by a newer floe."""


class StoreConflict(World):
    """An append whose expected sequence number or epoch is not the store's."""


class StoreFailed(World):
    """The disk or database refused a write."""
