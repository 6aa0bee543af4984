"""Carries out what runs owe: attempts, timers, flow-files, packing. Decides nothing."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Final, assert_never

import structlog

from floe.expr.substitute import in_values
from floe.host.inputs import FlowRead, Incoming, Packed
from floe.hub.attempts.attempt_outputs import OutputSettings, digests_of, storable
from floe.hub.attempts.judgements import Judgements
from floe.hub.children import Children
from floe.hub.clock import Clock, Timers
from floe.hub.ended.archiving import Archiving
from floe.hub.flows import FlowFiles
from floe.kernel.inputs import inputs_of
from floe.kernel.items import state_of
from floe.kernel.owed import longest_s
from floe.kernel.process import is_awaited
from floe.model.effect import (
    AskData,
    AwaitAnswer,
    Effect,
    LoadFlow,
    OfferRun,
    OfferWork,
    PackArchive,
    PendChild,
    SetTimer,
    StartAction,
    StopAction,
    StopChild,
)
from floe.model.ids import Key, RunRef
from floe.model.judging import JudgeRun
from floe.model.nouns import replace
from floe.model.run import NodeState, Run
from floe.model.signal import (
    Failed,
    FlowUnreadable,
    Report,
    Reported,
    Started,
    Stopped,
    TimerFired,
)
from floe.model.work import Action
from floe.nodes.base import Executor, Job, Limit
from floe.places import Places

log = structlog.get_logger()

AT_ONCE_MAX: Final = 16
"""Effects that are begun before other tasks run."""

AGAIN_S: Final = 2.0
"""Seconds before outputs are digested again for which no file could be opened."""


class Effects:
    """Starts and stops the work that runs owe; each report becomes an input of the core."""

    def __init__(
        self,
        settings: OutputSettings,
        executors: Mapping[type[Action], Executor],
        flow_files: FlowFiles,
        timers: Timers,
        spawn: Callable[[Coroutine[object, object, None]], None],
        clock: Clock,
        runs: Mapping[RunRef, Run],
        put: Callable[[Incoming], None],
        places: Places,
        children: Children,
        judgements: Judgements,
        archiving: Archiving | None = None,
    ) -> None:
        """`runs` is the core's table, read for the details of an effect; `put` takes reports.
        `archiving` is None where ended runs stay on this host alone."""
        self._settings = settings
        self._executors = executors
        self._each = tuple(dict.fromkeys(executors.values()))
        self._flow_files = flow_files
        self._timers = timers
        self._spawn = spawn
        self._clock = clock
        self._runs = runs
        self._put = put
        self._places = places
        self._children = children
        self.judgements = judgements
        self._archiving = archiving
        self._packing: dict[str, asyncio.Semaphore] = {}
        self._begun: dict[Key, Executor] = {}

    async def carry_out(self, closed: Sequence[Effect], owed: Sequence[Effect]) -> None:
        """Drop some effects and begin others, a few at a time, so that a wide fan-out does not
        delay other tasks. The feed comes first: sending takes less time than beginning."""
        for effect in closed:
            self.close(effect)
        is_wide = len(owed) > AT_ONCE_MAX
        for start in range(0, len(owed), AT_ONCE_MAX):
            if is_wide:
                await asyncio.sleep(0)
            for effect in owed[start : start + AT_ONCE_MAX]:
                self.perform(effect)

    def perform(self, effect: Effect) -> None:
        """Begin a newly owed effect. Idempotent."""
        match effect:
            case StartAction(key=key, started=started):
                self._start(key, started=started)
            case StopAction(key=key):
                self._stop(key)
            case PendChild() | StopChild():
                self._children.perform(effect)
            case SetTimer(due=due):
                self._timers.set(effect, due)
            case LoadFlow(run=ref):
                self._spawn(self._load(ref))
            case PackArchive(run=ref):
                self._spawn(self._pack(ref))
            case JudgeRun():
                self.judgements.perform(effect)
            case AskData() | OfferWork() | AwaitAnswer() | OfferRun():
                pass  # forms and outside work are open by being in the state; the core offers
            case _:
                assert_never(effect)

    def close(self, effect: Effect) -> None:
        """Drop an effect that is no longer owed."""
        if isinstance(effect, StartAction | StopAction):
            if not is_awaited(self._runs.get(effect.key.run), effect.key):
                self._forget(effect.key)
        elif isinstance(effect, SetTimer):
            self._timers.drop(effect)
        elif isinstance(effect, JudgeRun):
            self.judgements.close(effect)

    def resume(self, owed: Sequence[Effect], *, sweep: bool = True) -> None:
        """Resume the effects that runs owe after they were read.

        `sweep`: at a start, executors forget all other attempts. An attempt that is to be stopped
        may have been started by an earlier process.
        """
        if sweep:
            keys = frozenset(e.key for e in owed if isinstance(e, StartAction | StopAction))
            for executor in self._each:
                executor.sweep(keys)
        for effect in owed:
            if isinstance(effect, StopAction):
                self._start(effect.key, started=True)
            if isinstance(effect, SetTimer):  # the clock may have been set since it began
                longest_ms = round(longest_s(self._runs[effect.key.run], effect) * 1000)
                self._timers.set(effect, self._clock.due(effect.due, longest_ms))
            else:
                self.perform(effect)

    def waiting(self) -> list[Key]:
        """Attempts that wait for a place among the host's commands, in order."""
        return [k for e in self._each for k in e.waiting()]

    def stuck(self) -> dict[Key, str]:
        """Attempts that wait for a file system that may hang, and its problem; empty for none."""
        return {key: why for e in self._each for key, why in e.stuck().items()}

    def limit(self) -> Limit | None:
        """How many commands fit at once, where the config allows more."""
        return next(filter(None, (e.limit() for e in self._each)), None)

    def running(self) -> int:
        """Attempts that are being carried out."""
        return sum(len(e.running()) for e in self._each)

    def hold(self, why: str) -> None:
        """Begin nothing while `why` is not empty."""
        for executor in self._each:
            executor.hold(why)

    def problem(self) -> str:
        """Why some attempts cannot be started now; empty while all can."""
        return next(filter(None, (e.problem() for e in self._each)), "")

    def fire(self, timer: Hashable) -> None:
        """A timer's instant has come."""
        assert isinstance(timer, SetTimer)
        self._put(Incoming(input=TimerFired(key=timer.key, kind=timer.kind), run=timer.key.run))

    def _start(self, key: Key, *, started: bool) -> None:
        if begun := self._begun.get(key):
            if started:  # NodeStarted is stored, and changed the effect, not the attempt
                begun.recorded(key)
            return
        try:
            executor = self._begun[key] = self._executors[type(_action(self._runs[key.run], key))]
            executor.start(self._job(key, started=started), self._put_report)
        except Exception as error:  # the executor's border: one bad node never stops a host
            log.exception("attempt.not_started", run=str(key.run), node=key.node)
            self._report(key, Failed(cause="error", why=f"could not start: {error}"))

    def _stop(self, key: Key) -> None:
        if key not in self._begun:
            if _state(self._runs[key.run], key).phase != "started":
                self._report(key, Stopped())  # it was to be started and stopped in one step
                return
            self._start(key, started=True)  # by a process before this one, and it was held back
        try:
            self._begun[key].stop(key)
        except Exception as error:  # the executor's border
            log.exception("attempt.not_stopped", run=str(key.run), node=key.node)
            self._report(key, Failed(cause="error", why=f"could not be stopped: {error}"))

    def _report(self, key: Key, report: Report) -> None:
        self._put_report(Reported(key=key, report=report, at=self._clock.now()))

    def _put_report(self, signal: Started | Reported) -> None:
        if (at := self._clock.stamp(signal.at)) != signal.at:
            signal = replace(signal, at=at)
        self._put(Incoming(input=storable(signal), run=signal.key.run))

    def _forget(self, key: Key) -> None:
        if executor := self._begun.pop(key, None):
            try:
                executor.forget(key)
            except Exception:  # the executor's border
                log.exception("attempt.not_forgotten", run=str(key.run), node=key.node)

    def _job(self, key: Key, *, started: bool) -> Job:
        run = self._runs[key.run]
        flow = run.flow
        assert flow is not None, "an active run has its flow"
        node, state = flow.by_id[key.node], run.nodes[key.node]
        items = state.items
        return Job(
            key=key,
            work=_action(run, key),
            started=started,
            flow=flow.id,
            node=node.ref,
            workspace=Path(run.workspace),
            moved_from=Path(run.moved_from) if run.moved_from else None,
            reuse_space=flow.reuse_space,
            env=in_values(flow.shared_env, run.workspace),
            has_escapes=flow.has_escapes,
            strict_shell=flow.strict_shell,
            inputs=inputs_of(run, state),
            item=items.values[key.item] if items else None,
            fences={tag: fence for tag, fence in run.fences.items() if tag != run.group},
            secrets=node.secrets,
            output=self._settings.output_path(key),
            timeout_s=node.timeout_s,
            grace_s=self._settings.grace_s if node.grace_s is None else node.grace_s,
            output_max=self._settings.output_max if node.output_max is None else node.output_max,
        )

    async def _load(self, ref: RunRef) -> None:
        if (run := self._runs.get(ref)) is None:
            return
        signal: FlowRead | FlowUnreadable
        try:
            signal = await self._flow_files.load(run)
        except Exception as error:  # the executor's border: one bad document never stops a host
            log.exception("flow.not_loaded", run=str(ref))
            signal = FlowUnreadable(why=f"flow-file: {error}")
        self._put(Incoming(input=signal, run=ref))

    async def _pack(self, ref: RunRef) -> None:
        if (run := self._runs.get(ref)) is None:
            return
        outputs = self._settings.outputs_of(run)
        digests: dict[str, str] = {}
        if outputs:
            place = self._places.on_way(outputs[0][0])
            async with self._packing.setdefault(place, asyncio.Semaphore(1)):
                found = await self._places.call(place, digests_of, outputs)
                while found is None:
                    await asyncio.sleep(AGAIN_S)
                    found = await self._places.call(place, digests_of, outputs)
                digests = found
        archiving = self._archiving
        copied_bytes = await archiving.pack(run, outputs, digests) if archiving else 0
        self._put(Incoming(input=Packed(digests=digests, copied_bytes=copied_bytes), run=ref))


def _action(run: Run, key: Key) -> Action:
    """The work of an attempt."""
    work = _state(run, key).work
    assert isinstance(work, Action), "only actions are started"
    return work


def _state(run: Run, key: Key) -> NodeState:
    """The node or the item of an attempt."""
    state = state_of(run, key.node, key.item)
    assert state is not None, "its beginning is in the log"
    return state
