"""Work that a run's state still owes the world. Each names the fact that closes it."""

from dataclasses import dataclass

from floe.model.refs import Instant, Key, RunRef
from floe.model.signal import TimerKind


@dataclass(frozen=True, slots=True)
class StartAction:
    """Start an attempt, or find it again. Closed by NodeSettled or RetryArmed."""

    key: Key
    started: bool
    """NodeStarted is recorded: never start again, only find what became of it."""


@dataclass(frozen=True, slots=True)
class StopAction:
    """End an attempt and all its processes. Closed by NodeSettled."""

    key: Key


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send TimerFired at `due`. Closed by what the timer brings about."""

    key: Key
    kind: TimerKind
    due: Instant


@dataclass(frozen=True, slots=True)
class AskData:
    """Keep a form open. Closed by NodeSettled."""

    key: Key


@dataclass(frozen=True, slots=True)
class LoadFlow:
    """Read the flow-file. Closed by FlowPinned or RunEnding."""

    run: RunRef


@dataclass(frozen=True, slots=True)
class OfferRun:
    """Offer the run to the host it was granted to. Closed by RunActivated or GrantReturned."""

    run: RunRef
    epoch: int


@dataclass(frozen=True, slots=True)
class PackArchive:
    """Close the outputs with their digests. Closed by RunPacked."""

    run: RunRef


Effect = StartAction | StopAction | SetTimer | AskData | LoadFlow | OfferRun | PackArchive
