"""The work of dialects besides floe's own: what a type of call does is known to its dialect alone.

Kernel, store and host see a name and JSON. So a dialect adds work without a class in the model.
"""

from floe.model.ids import HostId, Json
from floe.model.nouns import dataclass
from floe.model.template import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Work of a node: what `config` says, done in the process of the run's host."""

    type: str
    """Names its executor, dialect first: `utask.http`."""
    config: Json = None
    delay_s: float = 0.0
    """Before its attempt starts. A crash meanwhile is no lost attempt; the delay begins again."""
    is_kept: bool = False
    """It is a command that outlives the process of its host, and is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideTexts:
    """Parts of outside work that have values of the run in them, until its node enters."""

    input: Text | None = None
    """JSON text, which becomes `input` of the config."""
    labels: tuple[Text, ...] = ()
    """Further labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideWork:
    """Work of a node: offered in a queue until a program outside floe takes it and answers.

    It needs no process and no slot of the host.
    """

    type: str
    """What the taker is to do, dialect first: `flyte.action`."""
    config: Json = None
    """For the taker alone."""
    queue: str
    name: str = ""
    """Such as a command: a taker may want work of one name only."""
    labels: frozenset[str] = frozenset()
    """A taker needs all of them."""
    texts: OutsideTexts | None = None
    """Filled in when the node enters; None for nothing to fill in, and after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenWork:
    """Outside work as its taker gets it."""

    key: str
    """Of the attempt; the answer names it."""
    take: str
    type: str
    config: Json = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedWork:
    """Outside work that a taker got through this host."""

    work: TakenWork
    host: HostId
    """Where it was taken."""
