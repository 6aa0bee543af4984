"""A task in the process of a test: the kernel decides, the evaluator judges, the test calls."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import compiled
from floe.dialects.utask.creation import TaskRequest, creation_body, opening_of
from floe.dialects.utask.document import UtaskFunction
from floe.dialects.utask.evaluator import EVALUATOR
from floe.kernel.decide import Decision
from floe.kernel.evolve import fold
from floe.kernel.owed import owed
from floe.model.codec import digest_of
from floe.model.effect import StartAction
from floe.model.event import Event
from floe.model.ids import Instant, Json
from floe.model.judging import Judged, JudgeRun
from floe.model.passes import BeginPass, Extend, RunOpened
from floe.model.people import Resolve
from floe.model.run import Run
from floe.model.signal import Answered, Failed, Reported, Signal, Started
from tests.make import H1, REF, STORE, attached, decided
from tests.utask_host import functions_of, load

ADMIN: Final = "admin"
HEAD: Final = "name: tpl\ndescription: some text\ntitle_format: title\n"
CREATED: Final = "2026-11-25T10:00:00Z"

Made = Answered | Failed
Calls = Mapping[str, Callable[[Any], Made]]
"""What carries out calls, by type: a function of the config."""


def echo(config: Any) -> Made:
    """The action `echo`."""
    given = config["configuration"] or {}
    outputs = {name: given[name] for name in ("output",) if given.get(name) is not None}
    metadata = {"metadata": given["metadata"]} if given.get("metadata") else {}
    message = given.get("error_message", "")
    kind = "CLIENT_ERROR" if given.get("error_type") == "client" else "SERVER_ERROR"
    return Answered(
        good=not message,
        why=message,
        kind=kind if message else "",
        outputs=outputs,
        metadata=metadata,
    )


class TaskRun:
    """One task, from its creation on."""

    def __init__(
        self,
        text: str,
        functions: Mapping[str, str] | None = None,
        *,
        create: Mapping[str, Any] | None = None,
        calls: Calls | None = None,
        around: Json = None,
        templates: tuple[str, ...] = ("tpl",),
    ) -> None:
        known: Mapping[str, UtaskFunction] = functions_of(functions or {})
        loaded = load(text, known, templates)
        assert loaded.template is not None, loaded.findings
        self.flow = compiled(loaded.template, known)
        self.calls = {"utask.echo": echo, **(calls or {})}
        self.around = around
        self.log: list[Event] = []
        given = dict(create or {})
        given.pop("template_name", None)
        asked = TaskRequest(requester_username=ADMIN, requester_groups=("admins",), **given)
        body = creation_body(self.flow, asked, CREATED)
        answer: Any = EVALUATOR.judge_text("create", body)
        self.opening = opening_of(answer, loaded.template)
        opened = RunOpened(
            at=self.now(),
            flow=self.flow.id,
            ver=1,
            digest=digest_of(self.flow),
            trigger=self.opening.trigger,
            values=self.opening.values,
            by=ADMIN,
            host=H1,
            store=STORE,
            title=self.opening.title,
            verdict="TODO",
        )
        self.log.append(opened)
        self.run: Run = attached(fold(REF, [opened]), self.flow)

    def resolve(self, **given: Json) -> None:
        """A person resolves the task; its first pass runs until it rests."""
        self.tell(resolve(given))

    def again(self) -> None:
        """A person runs it again."""
        self.tell(BeginPass(by=ADMIN))

    def extend(self) -> None:
        """A person extends it."""
        self.tell(Extend(by=ADMIN, passes=readings.run_max(self.run)))

    def tell(self, signal: Signal) -> None:
        """Decide a signal, and go on until the run rests or is over."""
        self.take(decided(self.run, signal, self.now()))
        while self.run.phase == "active":
            effects = sorted(owed(self.run), key=str)
            before = self.run.seq
            for effect in effects:
                match effect:
                    case JudgeRun():
                        self.judge(effect)
                    case StartAction():
                        self.carry_out(effect)
                    case _:
                        pass
            assert self.run.seq > before, "the run goes on"
        assert self.run == fold(REF, self.log), "the log folds to the same run"

    def steps(self) -> Mapping[str, readings.StepReading]:
        """Its steps, as the API shows them."""
        return readings.steps_of(self.run)

    def states(self) -> dict[str, str]:
        """The states of its steps."""
        return {name: one.state for name, one in self.steps().items()}

    def judge(self, effect: JudgeRun) -> None:
        """Judge what is asked, and record what follows."""
        verdicts = tuple(EVALUATOR.judge(self.run, effect.asks, (), self.around))
        judged = Judged(epoch=effect.epoch, seq=effect.seq, verdicts=verdicts)
        self.take(decided(self.run, judged, self.now()))

    def carry_out(self, effect: StartAction) -> None:
        """Start an attempt, make its call, and report the answer."""
        key = effect.key
        self.take(decided(self.run, Started(key=key, at=self.now()), self.now()))
        state = self.run.nodes[key.node]
        if state.items is not None:
            state = state.items.states[key.item]
        work: Any = state.work or self.run.nodes[key.node].work
        report = self.calls[work.type](work.config)
        self.take(decided(self.run, Reported(key=key, report=report, at=self.now()), self.now()))

    def take(self, decision: Decision) -> None:
        """Record what was decided."""
        self.log += decision.events
        self.run = decision.run

    def now(self) -> Instant:
        """The time."""
        return Instant(time.time_ns() // 1_000_000)


def resolve(given: Mapping[str, Json]) -> Resolve:
    """A person resolves a task with these values."""
    return Resolve(by=ADMIN, resolution="res-1", values={"resolver_input": dict(given)})


def created(text: str, **others: Any) -> TaskRun:
    """A task of a template, in which `ECHO x` is the action that puts out x."""
    echo = r"action: {type: echo, configuration: {output: \1}}"
    return TaskRun(HEAD + re.sub("ECHO (.+)", echo, text), **others)


def ran(text: str, calls: Calls | None = None, **given: str) -> TaskRun:
    """A task whose first pass is over."""
    task = created(text, calls=calls, create={"input": given})
    task.resolve()
    return task
