"""Signals: input to a run from outside. They may be late, repeated or out of order."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from floe.model.ids import NO_ITEM, HostId, Instant, Json, Key, NodeId, RunRef
from floe.model.judging import Judged, Update
from floe.model.nouns import dataclass
from floe.model.opening import BeginOpened, ChildOpening
from floe.model.passes import BeginPass, Extend
from floe.model.people import AddNote, Edit, EndRun, Pause, Resolve, Restart
from floe.model.result import RunResult
from floe.model.tags import Tag

TimerKind = Literal["retry", "wait", "form", "child", "outside", "run", "pass"]
"""retry: the next attempt is due. wait: a timer task's period is over. form, child: the time limit
of a form, of a child run. outside: the time limit of outside work, from its offer to its answer.
run: the time limit of the flow. pass: the next pass of a run at rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """In a signal: the command ran to its end, and none of its processes is left."""

    status: int
    """A signal as 128 + n."""
    outputs: Mapping[str, Json]
    output_bytes: int = 0
    note: str = ""
    """Faults in the files of the attempt; empty if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """In a signal: a server answered. Work without a process of its own has no exit status."""

    good: bool
    why: str = ""
    """The reason for people; empty for a good answer."""
    outputs: Mapping[str, Json]
    output_bytes: int = 0
    kind: str = ""
    """What kind of answer it is in the words of a dialect, as `blocked`; empty for none."""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What a dialect keeps about the answer besides its outputs."""
    opens: tuple[ChildOpening, ...] = ()
    """The child runs that it opens, in a judged run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """In a signal: the attempt ended without an exit status of its own."""

    cause: Literal["start", "timeout", "output-limit", "lost", "error"]
    why: str
    output_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """In a signal: the attempt was stopped at the run's request, or never started."""

    output_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """In a signal: the child run of the attempt is over, wherever it ran."""

    result: RunResult
    why: str
    """The end of a sentence about the attempt: `h1-13 ended bad: Tests failed`."""
    outputs: Mapping[str, Json]
    output_bytes: int = 0
    """None: what its commands print belongs to the child."""


Report = Exited | Answered | Failed | Stopped | ChildEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """Signal: this host takes the run; tags, slots and resources were checked in the same step."""

    host: HostId
    epoch: int
    workspace: str
    """Absolute path of the run's workspace on that host."""
    moved_from: str = ""
    """The workspace of the earlier run there that a re-run takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Signal: the process of an attempt exists."""

    key: Key
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMade:
    """Signal: the child run of an attempt is pended in the same step."""

    key: Key
    run: RunRef
    why_new: str = ""
    """Why it is a new child, where a child of the earlier run was to start again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Signal: an attempt is over, and none of its processes is left."""

    key: Key
    report: Report
    at: Instant
    take: str = ""
    """Of outside work: the take that it answers; empty for whichever."""
    opened: Mapping[str, str] = field(default_factory=dict)
    """By their keys, the child runs that the host opened in the same step for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeWork:
    """Signal: a program takes the outside work with this key."""

    key: Key
    take: str
    """Names the take, also when it is repeated."""
    by: str
    through: HostId | None = None
    """The host that it asked; None for unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnWork:
    """Signal: a take is void, since its answer did not reach the taker: the work is offered again.

    It may overtake the take, which then takes nothing.
    """

    key: Key
    take: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """Signal: a timer of the run is due."""

    key: Key
    kind: TimerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DataGiven:
    """Signal: a form or a call was answered; the values were checked against its fields."""

    node: NodeId
    values: Mapping[str, Json]
    good: bool
    """False: rejected."""
    by: str
    visit: int = 0
    """The visit of the node whose form is answered; 0 for the latest."""
    item: int = NO_ITEM
    why: str = ""
    """The reason of a rejection, in the person's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Signal: nodes are to enter again, woken by a tag that stands.

    Refused unless all of them have settled. No flow of floe's own language causes it.
    """

    nodes: tuple[NodeId, ...]
    by: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Signal: a user cancels the run."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Signal: the run is not to start at all, because its flow has enough runs."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon:
    """Signal: an operator abandons this copy of a run, independently of the run itself."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowUnreadable:
    """Signal: the flow-file could not be read after all retries, so the run cannot start."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLost:
    """Signal: the host with the pen is permanently lost."""

    host: HostId
    keeps: bool = False
    """The run only waited there, as far as is known here: it continues from here."""


Signal = (
    Activate
    | Started
    | ChildMade
    | Reported
    | TakeWork
    | ReturnWork
    | TimerFired
    | DataGiven
    | Reset
    | Cancel
    | Skip
    | Abandon
    | FlowUnreadable
    | HostLost
    | Judged
    | Update
    | BeginPass
    | Extend
    | Resolve
    | Restart
    | Edit
    | AddNote
    | EndRun
    | Pause
    | BeginOpened
)
