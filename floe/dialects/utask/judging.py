"""Judges one question after the other about the steps of a task, each with those before it."""

from floe.dialects.utask.after import after, after_loop
from floe.dialects.utask.before import before, expansion, result
from floe.dialects.utask.compiled import PRUNE, RESULT, RUNNING, label_of_state, state_of_label
from floe.dialects.utask.plans import TemplatePlan
from floe.dialects.utask.questions import StepNow, TaskNow
from floe.dialects.utask.task_data import member
from floe.dialects.utask.task_surroundings import TaskSurroundings
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, NodeId, Shape
from floe.model.judging import Question, Verdict
from floe.model.run import Run
from floe.model.tags import Tag, emitter_of, label_of


class StepJudge:
    """Judges the questions of one judgement."""

    def __init__(self, run: Run, plan: TemplatePlan, around: TaskSurroundings) -> None:
        self._task = TaskNow(run, plan, around)

    def judged(self, question: Question) -> Verdict:
        """The verdict about a question."""
        if question.node == RESULT:
            return result(self._task)
        step = StepNow(self._task, question)
        is_loop = bool(step.plan.step.foreach) and question.item == NO_ITEM
        if question.stage == "before":
            return expansion(step) if is_loop else before(step)
        return after_loop() if is_loop else after(step)

    def apply(self, question: Question, verdict: Verdict) -> None:
        """Let later questions see what a verdict does."""
        if verdict.failed or question.node == RESULT:
            return
        for one in verdict.sets:
            if one.item == NO_ITEM:
                self._put(one.node, state=state_of_label(one.state), error=one.why)
        if question.item != NO_ITEM:
            return
        seen: Shape = {"state": RUNNING}
        if verdict.state:
            seen = {"state": state_of_label(verdict.state), "error": verdict.why}
        if question.stage == "after" and verdict.state:
            state = self._task.run.nodes[question.node]
            outputs = state.outputs if verdict.keeps_outputs else verdict.outputs
            seen["output"] = member(outputs.get("output"))
        self._put(question.node, **seen)

    def _put(self, node: NodeId, **seen: object) -> None:
        """Change what texts see of a step, and prune what follows from it."""
        self._see(node, **seen)
        changed = [node]
        while changed:
            for one in self._task.flow.followers.get(changed.pop(), ()):
                if one.id != RESULT and self._is_lost(one):
                    self._see(one.id, state=PRUNE)
                    changed.append(one.id)

    def _see(self, node: NodeId, **seen: object) -> None:
        steps, name = self._task.data.steps, self._task.plan.names[node]
        steps[name] = {**steps[name], **seen}

    def _is_lost(self, node: Node) -> bool:
        """Whether the kernel will prune a step."""
        state = self._task.run.nodes.get(node.id)
        if (state is not None and state.attempt) or self._name(node.id) == PRUNE:
            return False
        return any(all(self._is_dead(tag) for tag in node.needs[at]) for at in node.prunes)

    def _is_dead(self, tag: Tag) -> bool:
        emitter = emitter_of(tag)
        assert emitter is not None, "a step waits for steps alone"
        name = self._name(emitter)
        return self._task.is_final(name) and label_of(tag) != label_of_state(name)

    def _name(self, node: NodeId) -> str:
        return str(self._task.data.steps[self._task.plan.names[node]]["state"])
