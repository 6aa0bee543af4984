"""Effects: work that a run's state requires. Each names the event that closes it."""

from floe.model.ids import Instant, Key, RunRef
from floe.model.judging import JudgeRun
from floe.model.nouns import dataclass
from floe.model.signal import TimerKind


@dataclass(frozen=True, slots=True)
class StartAction:
    """Effect: start an attempt, or find it again. Closed by NodeSettled or RetryArmed."""

    key: Key
    started: bool
    """NodeStarted is recorded: only find the attempt again, never start it."""


@dataclass(frozen=True, slots=True)
class StopAction:
    """Effect: end an attempt and all its processes. Closed by NodeSettled."""

    key: Key


@dataclass(frozen=True, slots=True)
class OfferWork:
    """Effect: offer outside work until it is taken. Closed by NodeStarted or NodeSettled.

    What is to be done is in the run.
    """

    key: Key
    queue: str
    labels: frozenset[str]
    since: Instant
    """When it was first offered; older work is taken first."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class AwaitAnswer:
    """Effect: count outside work as taken. Closed by WorkReturned or NodeSettled.

    Its answer comes by itself, so nothing is to be done.
    """

    key: Key
    queue: str
    name: str
    by: str
    """The taker."""
    since: Instant
    """When it was taken."""
    take: str = ""
    """Names its take."""
    through: str = ""
    """The host that the taker asked."""


@dataclass(frozen=True, slots=True)
class PendChild:
    """Effect: pend the child run of an attempt. Closed by ChildPended or NodeSettled."""

    key: Key


@dataclass(frozen=True, slots=True)
class StopChild:
    """Effect: cancel the child run of an attempt. Closed by NodeSettled or RetryArmed."""

    key: Key
    run: str
    """The key of the child."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Effect: send TimerFired at `due`. Closed by the events that follow from it."""

    key: Key
    kind: TimerKind
    due: Instant


@dataclass(frozen=True, slots=True)
class AskData:
    """Effect: keep a form open. Closed by NodeSettled."""

    key: Key


@dataclass(frozen=True, slots=True)
class LoadFlow:
    """Effect: read the flow-file. Closed by FlowPinned or RunEnding."""

    run: RunRef


@dataclass(frozen=True, slots=True)
class OfferRun:
    """Effect: offer a granted run to its host. Closed by RunActivated or GrantReturned."""

    run: RunRef
    epoch: int


@dataclass(frozen=True, slots=True)
class PackArchive:
    """Effect: compute the digests of the outputs. Closed by RunPacked."""

    run: RunRef


Effect = (
    StartAction
    | StopAction
    | OfferWork
    | AwaitAnswer
    | PendChild
    | StopChild
    | SetTimer
    | AskData
    | LoadFlow
    | OfferRun
    | PackArchive
    | JudgeRun
)
