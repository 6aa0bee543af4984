"""Runs that left the memory of their host: they rest, or wait for outside work alone.

What they owe stays: timers are set, and work is offered. A host may have many thousands of them. It
knows of each that it exists, and its flow; before a step needs one, the hub reads it again.

Source: docs/hub.md, "Runs that rest".
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar, overload

from floe.kernel.outside_work import is_offered, is_taken
from floe.model.effect import AwaitAnswer, OfferWork, SetTimer
from floe.model.flow import Flow
from floe.model.ids import RunRef, StoreId
from floe.model.nouns import dataclass
from floe.model.run import Phase, Run
from floe.model.summary import Summary

T = TypeVar("T")

ALIKE_MAX: Final = 1000
"""Different sleepers that are shared by the runs that are alike in all that they tell."""


class Asleep(Exception):
    """A step needs a run that is asleep: it is decided again when the run is awake."""

    def __init__(self, run: RunRef) -> None:
        super().__init__(str(run))
        self.run = run


@dataclass(frozen=True, slots=True)
class Sleeper:
    """What a host knows of a run that is asleep."""

    flow: Flow
    digest: str
    may_have_children: bool = True
    """Whether its calls may have opened child runs: at a start that is not known."""
    phase: Phase = "resting"


class KnownRuns(Mapping[RunRef, Run]):
    """All runs of a table, as a step looks them up: one that is asleep raises Asleep.

    It has those that are asleep, but only the others are iterated over and counted.
    """

    def __init__(self) -> None:
        self.awake: dict[RunRef, Run] = {}
        self.asleep: dict[RunRef, Sleeper] = {}
        self._alike: dict[tuple[str, bool, Phase], Sleeper] = {}

    def put_asleep(self, ref: RunRef, sleeper: Sleeper) -> None:
        """A run sleeps. Those that are alike share their sleeper: there may be 100,000."""
        if len(self._alike) > ALIKE_MAX:
            self._alike.clear()
        alike = sleeper.digest, sleeper.may_have_children, sleeper.phase
        self.asleep[ref] = self._alike.setdefault(alike, sleeper)

    def __getitem__(self, ref: RunRef) -> Run:
        try:
            return self.awake[ref]
        except KeyError:
            if ref in self.asleep:
                raise Asleep(ref) from None
            raise

    @overload
    def get(self, ref: RunRef, default: None = None, /) -> Run | None: ...

    @overload
    def get(self, ref: RunRef, default: Run | T, /) -> Run | T: ...

    def get(self, ref: RunRef, default: object = None, /) -> object:
        """The run; the default for one that is unknown. Raises Asleep."""
        run = self.awake.get(ref)
        if run is None and ref in self.asleep:
            raise Asleep(ref)
        return default if run is None else run

    def __contains__(self, ref: object) -> bool:
        return ref in self.awake or ref in self.asleep

    def __iter__(self) -> Iterator[RunRef]:
        return iter(self.awake)

    def __len__(self) -> int:
        return len(self.awake)


def may_sleep(run: Run, store: StoreId) -> bool:
    """Whether a run may leave the memory of the host with this store.

    Others look at all runs that peers adopted or have, that hold something, or that repeat a run.
    """
    if not (run.phase == "resting" or waits_outside(run)):
        return False
    if run.flow is None or run.superseded or run.digest is None:
        return False
    is_own = run.ref.store == store and run.store == store
    return is_own and run.rerun_of is None and _holds_nothing(run.flow)


def may_stay_asleep(row: Summary, flow: Flow, store: StoreId) -> bool:
    """The same at a start, by the row of a run."""
    if row.phase != "resting" or row.rerun_of:
        return False
    is_own = RunRef.parse(row.key).store == store and row.store == store
    return is_own and _holds_nothing(flow)


def waits_outside(run: Run) -> bool:
    """Whether outside work, taken or not, is all that a judged run waits for."""
    if run.passes is None or run.phase != "active" or not run.open:
        return False
    states = map(run.nodes.__getitem__, run.open)
    return all(is_offered(state) or is_taken(state) for state in states)


def may_owe_asleep(owed: frozenset[object]) -> bool:
    """Whether all that a run owes is timers, and work of programs outside."""
    return all(isinstance(effect, SetTimer | OfferWork | AwaitAnswer) for effect in owed)


def _holds_nothing(flow: Flow) -> bool:
    return not (flow.resource_tags or flow.reuse_space or flow.max_runs)
