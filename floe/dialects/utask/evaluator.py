"""Judges the steps of tasks: whether they run, what they do, what that came to.

It runs in an evaluator process, with limits.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from floe.dialects.utask import creation
from floe.dialects.utask.compiled import BLOCKED_TOCHECK, read_document
from floe.dialects.utask.judging import StepJudge
from floe.dialects.utask.plans import plan_of
from floe.dialects.utask.task_data import new_task_members
from floe.dialects.utask.task_surroundings import TaskSurroundings
from floe.dialects.utask.texts import Render, exact, renderer
from floe.dialects.utask.validation import schema_fault
from floe.dialects.utask.world import TaskWorld
from floe.expr.errors import ExpressionError
from floe.model.flow import Flow
from floe.model.ids import Json, Shape
from floe.model.judging import Question, Verdict
from floe.model.opening import Opened
from floe.model.run import Run


class UtaskEvaluator:
    """The evaluator of uTask's templates."""

    def __init__(self) -> None:
        self._last: tuple[Json, TaskSurroundings] = (None, TaskSurroundings(None))

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json
    ) -> Iterator[Verdict]:
        """The verdicts about steps, one after the other."""
        assert run.flow is not None, "a run is judged with its flow"
        assert run.passes is not None, "a run of utask is judged"
        surroundings = self._around(around)
        is_first = not run.passes.entries and all(one.rests for one in known)
        if is_first and (why := _misfit(run, surroundings)):
            yield from (Verdict(rests=BLOCKED_TOCHECK, why=why) for _ in asks[len(known) :])
            return
        judge = StepJudge(run, plan_of(run.flow), surroundings)
        for question, verdict in zip(asks, known, strict=False):
            judge.apply(question, verdict)
        for question in asks[len(known) :]:
            verdict = judge.judged(question)
            judge.apply(question, verdict)
            yield verdict

    def judge_text(self, kind: str, body: Json) -> Json:
        """What belongs to a task that does not exist yet. Raises ValueError for an unknown kind."""
        given = cast(Shape, body)
        if kind == creation.CALLBACK_KIND:
            return _callback(given)
        template = read_document(given["document"]).template
        match kind:
            case creation.CREATE_KIND:
                return creation.created(template, given, self._render)
            case creation.SAVE_KIND:
                return creation.saved(template, given, self._render)
            case creation.RESOLVE_KIND:
                return creation.resolved(template, given)
            case _:
                raise ValueError(f"uTask judges no {kind}")

    def open(self, event: Json, flow: Flow, around: Json) -> Opened:
        """No event opens a task."""
        return Opened()

    def _around(self, around: Json) -> TaskSurroundings:
        """What is around a run. The process has one object for as long as it is the same."""
        if self._last[0] is not around:
            self._last = (around, TaskSurroundings(around))
        return self._last[1]

    def _render(self, body: Shape) -> Render:
        """A renderer of texts that see an input and a task, and no step."""
        around = self._around(body.get("around"))
        template = read_document(body["document"]).template
        data = {
            "input": exact(body["input"]),
            "task": new_task_members(body["task"], around),
            "config": around.config,
        }
        variables = around.variables_of(template)
        return renderer(data, TaskWorld(variables, around.run_javascript))


def _misfit(run: Run, around: TaskSurroundings) -> str:
    """Why no pass of a task may begin, since its template has changed; empty if one may."""
    why = around.misfit(cast(Mapping[str, Json], run.values.get("input", {})))
    return f"the template has changed, and the task does not fit it: {why}" if why else ""


def _callback(body: Shape) -> Json:
    try:
        fault = schema_fault(body["schema"], body["body"])
    except ExpressionError as error:
        fault = error.what
    return {"error": fault} if fault else {}


EVALUATOR: Final = UtaskEvaluator()
