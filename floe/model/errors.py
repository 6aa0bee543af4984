"""One tree of errors, ordered by who can act on them.

    FloeError
    ├── Yours            the caller's mistake
    │   ├── IdInvalid      an id that does not match its pattern
    │   ├── ConfigInvalid  a document with findings
    │   ├── ValuesInvalid  form values that do not fit their form
    │   ├── NotFound       no such flow, run, node, host
    │   ├── Lost           permanently lost, together with its host
    │   ├── Removed        a run that was pruned, as the config or a person asked
    │   ├── Conflict       the object is no longer in the state that the caller expects
    │   ├── TooLarge       more bytes than the documented limit
    │   ├── Denied         no or wrong credentials
    │   ├── Forbidden      the caller is known, and may not do this
    ├── Theirs           a different host or a remote server answered wrongly
    └── World            this machine: disk, ports, database
        ├── PlaceHangs     a file system does not answer
        ├── HostAway       a different host is needed, and does not answer
        │   └── KeeperAway   only the keeper knows or writes it, and the keeper does not answer
        ├── ArchiveAway    the bucket with ended runs does not answer, or refuses
        ├── StoreBusy      a different process uses the store
        ├── StoreForeign   the directory is not a floe store, or is from a newer floe
        ├── StoreConflict  an append whose expected sequence number is not the store's
        └── StoreFailed    the disk or database refused a write

The texts are for people. Passwords in URLs are hidden when an error is created, so that no text
shows them. An error carries its values, and a `hint` if the reader can act. `server` maps the
branches to 4xx, 502 and 503 in one place.
"""

from collections.abc import Mapping, Sequence

from floe.model.finding import Finding
from floe.model.secret import without_password


class FloeError(Exception):
    """The base of all floe errors. `str` is the sentence for people."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = without_password(what)
        self.hint = without_password(hint)
        super().__init__(self.what)


class Yours(FloeError):
    """Base of the errors of callers: the request cannot be carried out."""


class IdInvalid(Yours):
    """Error: an id does not match its pattern."""

    def __init__(self, kind: str, text: str, hint: str = "") -> None:
        article = "an" if kind[0] in "aeiou" else "a"
        super().__init__(f"{text[:80]!r} is not {article} {kind}", hint)


class ConfigInvalid(Yours):
    """Error: a document cannot be used; `findings` has all reasons."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(f) for f in findings))
        self.findings = tuple(findings)


class ValuesInvalid(Yours):
    """Error: form values do not fit; `fields` maps the id of a field to its error."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = {k: without_password(v) for k, v in fields.items()}
        super().__init__("; ".join(f"{k}: {v}" for k, v in self.fields.items()))


class NotFound(Yours):
    """Error: no such flow, run, node or host."""


class Lost(Yours):
    """Error: the requested object is permanently lost, together with its host."""

    def __init__(self, what: str, *, host: str, since: int) -> None:
        """`since`: the instant at which the host was declared lost."""
        super().__init__(what)
        self.host = host
        self.since = since


class Removed(Yours):
    """Error: a run was pruned, as the config or a person asked."""

    def __init__(self, what: str, *, at: int | None, why: str = "") -> None:
        """`at`: the instant of the removal; None if only the fact is known."""
        super().__init__(what, "`keep` in the config sets how long runs stay")
        self.at = at
        self.why = why


class Conflict(Yours):
    """Error: the object is no longer in the state that the caller expects."""


class TriggerHeld(Conflict):
    """Error: the `if` of a trigger is false, or could not be judged."""


class TooLarge(Yours):
    """Error: more than the documented limit."""


class Denied(Yours):
    """Error: no credentials, or wrong ones."""


class Forbidden(Yours):
    """Error: the caller is known, or needs no credentials, and may not do this."""


class Theirs(FloeError):
    """Base of the errors of others: a remote server or a different host failed to answer."""


class World(FloeError):
    """Base of the errors of this machine, which refused."""


class KeyMissing(World):
    """Error: a sealed run cannot be read or written, since its key cannot be had."""


class PlaceHangs(World):
    """Error: a file system does not answer; `what` names it and says since when."""

    def __init__(self, problem: str) -> None:
        """`problem` is a sentence without its subject."""
        super().__init__(f"this host {problem}", "it continues when the file system answers")


class HostAway(World):
    """Error: a different host is needed, and does not answer."""

    def __init__(self, what: str, hint: str = "", *, host: str, since: int | None = None) -> None:
        """`since`: the instant of its last message; None if there was none."""
        super().__init__(what, hint)
        self.host = host
        self.since = since


class KeeperAway(HostAway):
    """Error: only the keeper knows whether a row exists, or can change one, and is away."""


class ArchiveAway(World):
    """Error: the bucket with ended runs does not answer, or refuses; `what` has the reason."""


class StoreBusy(World):
    """Error: a different process uses the store."""


class StoreForeign(World):
    """Error: the directory is not a floe store, or a newer floe wrote it."""


class StoreConflict(World):
    """Error: an append expects a different sequence number or epoch than the store has."""


class StoreFailed(World):
    """Error: the disk or database refused a write."""
