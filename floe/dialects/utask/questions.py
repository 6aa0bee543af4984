"""A question about a task with its context: the step, its state, what its texts see."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final

from floe.dialects.utask.backoff import delay_s
from floe.dialects.utask.compiled import label_of_state
from floe.dialects.utask.document import UtaskCondition
from floe.dialects.utask.matches import matches
from floe.dialects.utask.parts import iterator_of, tries_of
from floe.dialects.utask.plans import StepPlan, TemplatePlan
from floe.dialects.utask.rendering import StepTexts
from floe.dialects.utask.task_data import TaskData, entry_of
from floe.dialects.utask.task_surroundings import TaskSurroundings
from floe.kernel.items import state_of
from floe.model.ids import NO_ITEM, Instant, Json, NodeId, Shape
from floe.model.judging import Question, Set
from floe.model.nouns import dataclass
from floe.model.run import NodeState, Run
from floe.model.states import State

KEPT: Final = ("output", "metadata", "uncounted")
"""What a step keeps of its outputs when it gets a state without an attempt."""


class TaskNow:
    """A task in one judgement, with the effects of the verdicts so far."""

    def __init__(self, run: Run, plan: TemplatePlan, around: TaskSurroundings) -> None:
        assert run.flow is not None, "a run is judged with its flow"
        assert run.flow.states is not None, "a flow of uTask has a table of states"
        self.run, self.plan, self.around, self.flow = run, plan, around, run.flow
        self.data = TaskData(run, plan, around)
        self.rows: Mapping[str, State] = run.flow.states.by_name

    def is_final(self, state: str) -> bool:
        """Whether a step in a state is done."""
        row = self.rows.get(label_of_state(state))
        return row is not None and row.final

    def is_parked(self, state: str) -> bool:
        """Whether a step in a state runs again with the next pass."""
        row = self.rows.get(label_of_state(state))
        return row is not None and row.again == "pass"

    def due(self, state: str, step: StepPlan, tries: int) -> Instant | None:
        """When a step in a state is retried; None if it is not."""
        row = self.rows.get(label_of_state(state))
        if row is None or not row.retries:
            return None
        wait_ms = round(delay_s(step.step.retry_pattern, tries) * 1000)
        return Instant(self.around.now() + wait_ms)


class StepNow:
    """The step, or the child of a loop, that a question is about."""

    def __init__(self, task: TaskNow, question: Question) -> None:
        self.task, self.item = task, question.item
        self.plan = task.plan.steps[question.node]
        self.state: NodeState | None = state_of(task.run, question.node, question.item)
        self.name = self.plan.step.name
        if self.item != NO_ITEM:
            self.name = f"{self.name}-{self.item}"
        self.own: Shape = (
            dict(task.plan.unrun) if self.state is None else entry_of(self.plan, self.state)
        )
        """What texts see of it; conditions change it."""

    @property
    def outputs(self) -> Mapping[str, Json]:
        """What the run keeps of it."""
        return {} if self.state is None else self.state.outputs

    @property
    def kept(self) -> Shape:
        """The same without what belongs to one attempt."""
        return {name: self.outputs[name] for name in KEPT if name in self.outputs}

    @property
    def tries(self) -> int:
        """How often it was executed."""
        return 0 if self.state is None else tries_of(self.state)

    def texts(self, pre_hook: Json = None) -> StepTexts:
        """What its texts see."""
        iterator = None
        if self.item != NO_ITEM:
            above = self.task.run.nodes[self.plan.node]
            assert above.items is not None, "an item belongs to a list"
            iterator = iterator_of(above.items.values[self.item])
        return StepTexts(self.task.data, self.own, iterator, pre_hook)


@dataclass(slots=True, kw_only=True)
class Applied:
    """What conditions that are met did."""

    state: str = ""
    """Of the step itself; empty for none."""
    message: str = ""
    sets: list[Set] = field(default_factory=list)
    is_any_met: bool = False


def apply_conditions(
    step: StepNow, conditions: Iterable[UtaskCondition], kind: str, texts: StepTexts, done: Applied
) -> None:
    """Apply the conditions that are met, each before the next is evaluated.

    Raises ExpressionError; what was applied before is in `done`.
    """
    task = step.task
    for match in matches(conditions, kind, step.name, texts.render()):
        done.is_any_met = True
        for target, state in match.states.items():
            if target == step.name:
                done.state, done.message = state, match.message
                step.own.update(state=state, error=match.message)
            elif (node := task.plan.nodes.get(target)) is not None:
                done.sets.append(_set(task, node, state, match.message))
                steps = task.data.steps
                steps[target] = {**steps[target], "state": state, "error": match.message}


def _set(task: TaskNow, node: NodeId, state: str, why: str) -> Set:
    other = task.run.nodes.get(node)
    due = task.due(state, task.plan.steps[node], 0 if other is None else tries_of(other))
    return Set(node=node, state=label_of_state(state), why=why, due=due)
