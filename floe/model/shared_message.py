"""The peer messages about shared rows.

Source: docs/cluster-protocol.md, "Shared rows".
"""

from dataclasses import field

from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.shared_row import Name, Seen, SharedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteShared:
    """Peer message to the keeper: write a shared row. Repeated until it is answered."""

    request: str
    """Identifies it: a repetition changes nothing."""
    sequence: str
    """Of the sender's copy. With any other than the keeper's the request is refused."""
    name: Name
    value: Json
    """None: delete the row."""
    by: str
    expected: int | None
    """The number of the row that it replaces, 0 for none; None for whichever there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWritten:
    """Peer message of the keeper, a reply: the row is stored, or why it is not."""

    request: str
    term: int
    number: int
    """The row is in each copy that has reached this number; 0 if it is not stored."""
    why: str = ""
    is_closed: bool = False
    """The keeper writes nothing now; `why` is a problem of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSince:
    """Peer message, a request: send the shared rows after a number.

    The keeper sends it, too: to a host whose copy contains what the keeper's lacks.
    """

    term: int
    """Of the keeper that the sender follows, or is."""
    sequence: str = ""
    """Of the sender's copy. To the keeper of a different one: send all."""
    after: int
    round: int
    """Grows with each exchange: a reply of an earlier one does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPage:
    """Peer message, a reply: the next shared rows."""

    term: int
    round: int
    asked: int
    """`SharedSince.after`."""
    after: int
    """The rows begin after this number; 0: a whole copy begins here."""
    upto: int
    """A copy with these rows has reached this number."""
    rows: tuple[SharedRow, ...] = ()
    more: bool = False
    floor: int = 0
    """The last deletion that is not remembered any more."""
    seen: Seen = field(default_factory=dict)
    """What the sender's copy contains."""
    why: str = ""
    """Why there are none now: a problem of the keeper."""
