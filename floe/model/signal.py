"""What reaches a run from outside. It may be late, repeated or out of order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from floe.model.refs import HostId, Instant, Json, Key, NodeId
from floe.model.tags import Tag

TimerKind = Literal["retry", "wait", "form", "run"]
"""retry: the next attempt is due. wait: a timer task's period is over. form: nobody answered in
time. run: the flow's time limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The command ran to its end and nothing of it is left."""

    status: int
    """A signal as 128 + n."""
    outputs: Mapping[str, Json]
    output_bytes: int = 0
    note: str = ""
    """What was found wrong with the files of the attempt; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The attempt came to no status of its own."""

    cause: Literal["start", "timeout", "output-limit", "lost", "error"]
    why: str
    output_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The attempt was stopped because the run asked for it, or never begun."""

    output_bytes: int = 0


Report = Exited | Failed | Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """This host takes the run: tags, slots and resources were checked in the same step."""

    host: HostId
    epoch: int
    workspace: str
    """Absolute path of the run's workspace on that host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The process of an attempt exists."""

    key: Key
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """An attempt is over and no process of it is left."""

    key: Key
    report: Report
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """An instant that the run had asked for has come."""

    key: Key
    kind: TimerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DataGiven:
    """Somebody answered a form; values are checked against it before they become a signal."""

    node: NodeId
    values: Mapping[str, Json]
    good: bool
    """False: rejected."""
    by: str
    visit: int = 0
    """The visit of the node whose form is answered; 0 for the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Nodes are to enter again, woken by a tag that stands.

    Refused unless all of them have settled. No flow of floe's own language causes it.
    """

    nodes: tuple[NodeId, ...]
    by: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Somebody wants the run to end."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon:
    """Somebody wants the end of a copy of a run, whatever became of the run itself."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowUnreadable:
    """The flow-file could not be read after all tries; the run cannot begin."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLost:
    """The host that held the pen is gone for good."""

    host: HostId


Signal = (
    Activate
    | Started
    | Reported
    | TimerFired
    | DataGiven
    | Reset
    | Cancel
    | Abandon
    | FlowUnreadable
    | HostLost
)
