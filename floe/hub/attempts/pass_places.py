"""How many runs of a flow are in a pass at once on this host, where that has a limit.

A run takes its place with the first judgement of a pass and keeps it until it rests or is over.
Nothing of that is stored: after a restart the runs take their places again.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from floe.model.flow import Flow
from floe.model.ids import FlowId, RunRef
from floe.model.judging import JudgeRun
from floe.model.passes import Passes
from floe.model.run import Run

LOOK_S: Final = 0.5
"""Seconds between two looks for places that are free again, while a run waits for one."""

NO_LIMITS: Final[Mapping[FlowId, int]] = {}


class PassPlaces:
    """The places of the runs of each flow, and the judgements that wait for one, oldest first."""

    def __init__(
        self,
        limits: Mapping[FlowId, int],
        runs: Mapping[RunRef, Run],
        begin: Callable[[JudgeRun], None],
    ) -> None:
        """`runs` is the core's table. `begin` is called about a judgement that waited."""
        self._limits = limits
        self._runs = runs
        self._begin = begin
        self._taken: dict[FlowId, dict[RunRef, int]] = {}
        """By flow, the runs that have a place, and the numbers of their passes."""
        self._waiting: dict[RunRef, JudgeRun] = {}
        self._look: asyncio.TimerHandle | None = None

    def admit(self, effect: JudgeRun, flow: Flow) -> bool:
        """Whether a judgement may begin; if not, it begins when its run gets a place."""
        if flow.id not in self._limits:
            return True
        is_first = not any(self._flow_of(run) == flow.id for run in self._waiting)
        if (is_first or effect.run in self._holders(flow.id)) and self._take(effect.run, flow.id):
            return True
        self._waiting[effect.run] = effect
        self._look_later()
        return False

    def drop(self, run: RunRef) -> None:
        """Forget the judgement of a run that waits, for it is no longer owed. Idempotent."""
        self._waiting.pop(run, None)

    def wait_of(self, run: RunRef) -> str:
        """What a judgement waits for, as a sentence; empty for nothing."""
        if run not in self._waiting or (flow := self._flow_of(run)) is None:
            return ""
        if not (limit := self._limits[flow]):
            return f"no run of {flow} has a pass on this host: its resource limit is 0"
        return (
            f"it waits for a place: {limit} of {flow} on this host at once, by its resource limit"
        )

    def _flow_of(self, run: RunRef) -> FlowId | None:
        found = self._runs.get(run)
        return found.flow_id if found is not None else None

    def _holders(self, flow: FlowId) -> dict[RunRef, int]:
        """The runs of a flow that have a place and are still in that pass."""
        held = self._taken.get(flow, {}).items()
        self._taken[flow] = {run: number for run, number in held if self._pass_of(run) == number}
        return self._taken[flow]

    def _take(self, run: RunRef, flow: FlowId) -> bool:
        held = self._holders(flow)
        if run not in held and len(held) >= self._limits[flow]:
            return False
        held[run] = self._pass_of(run)
        return True

    def _pass_of(self, run: RunRef) -> int:
        """The number of the pass of a run; 0 for one that is in none."""
        match self._runs.get(run):
            case Run(phase="active", passes=Passes(number=number)):
                return number
            case _:
                return 0

    def _look_later(self) -> None:
        if self._look is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        for run, effect in [*self._waiting.items()]:
            flow = self._flow_of(run)
            if flow is None or self._take(run, flow):
                del self._waiting[run]
                self._begin(effect)
        self._look_later()
