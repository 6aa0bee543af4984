"""The port through which the core deals with other hosts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from floe.host.inputs import (
    Forget,
    Free,
    GiveBack,
    LogRead,
    Received,
    Surroundings,
    TakeOldest,
    Unsent,
)
from floe.host.peers.member import Member
from floe.host.step import Step, StepObserver
from floe.model.ids import HostId, Instant, RunRef, StoreId
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.store.base import Append, Record, Stored

PeerInput = Received | Unsent | Forget | Free | Surroundings
"""Inputs that concern other hosts."""


class PeerParts(StepObserver, Protocol):
    """The other hosts of the cluster, as this host deals with them."""

    def load(self, runs: Sequence[Run], logs: Iterable[Stored | Record]) -> None:
        """Continue after a start with what is on the disk."""

    def read_again(self, ref: RunRef, run: Run | None, logs: Iterable[Stored | Record]) -> None:
        """Continue a run that is as it was read; None for none."""

    def receive(self, step: Step, received: PeerInput) -> str:
        """Handle an input; return why it changed nothing, empty if it may have."""

    def learned(self, rows: Sequence[Append]) -> Sequence[Append]:
        """Rows of the directory that came from peers, as they are to be stored."""

    def cancel(self, step: Step, run: Run, cancel: Cancel) -> bool:
        """Ask for the end of a run whose log is at a peer; False if that was asked before."""

    def seek(self, step: Step, wanted: TakeOldest, ticket: int) -> bool:
        """Ask other hosts for outside work; False where this host has the oldest, or none has any.

        If True, the reply comes in a later step.
        """

    def void(self, step: Step, take: str) -> bool:
        """Let a repeated take never get work; False where no host can have given it some."""

    def give_back(self, step: Step, wanted: GiveBack) -> bool:
        """Give back what a take got at other hosts; False if it got nothing there."""

    def wanted(self, now: Instant) -> Sequence[RunRef]:
        """The logs that are to be read now, so that their runs move or are reported."""

    def read(self, step: Step, run: Run, log: LogRead) -> bool:
        """The log of a run was read; return whether anything changed."""

    def owes(self, run: RunRef) -> bool:
        """Whether the adopter of a run that ended here has not acknowledged its end."""

    def is_gone(self, host: HostId, store: StoreId) -> bool:
        """Whether a store was forgotten."""

    def begin(self, step: Step) -> None:
        """Do what has to precede placement, after all inputs of a step."""

    def finish(self, step: Step) -> Instant | None:
        """Do what has to follow placement; return when to step again, None for never."""

    def hosts(self) -> Mapping[HostId, Member]:
        """The peers that ever sent a message and were not forgotten, by id."""

    def problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """The problems of each host, this one included, as far as they concern peers."""

    def dead_ends(self) -> Sequence[str]:
        """Why no host would ever take a run that is started here."""

    def disagreement(self) -> str:
        """How hosts disagree about their keeper; empty if they agree, or there are no others."""

    def may_fire(self, now: Instant) -> bool:
        """Whether this host fires the timers and polls."""

    def keeper_term(self) -> int:
        """The term under which this host is the keeper; 0 where it never was."""
