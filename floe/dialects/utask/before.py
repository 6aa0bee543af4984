"""Judges whether a step runs, and with which action; the list of a loop; the result of a task."""

from typing import Final

from floe.dialects.utask.compiled import (
    CLIENT_ERROR,
    DIALECT,
    FATAL_ERROR,
    HOOKED,
    PRUNE,
    RUNNING,
    SERVER_ERROR,
    label_of_state,
)
from floe.dialects.utask.dependencies import DONE
from floe.dialects.utask.parts import error_of, item_text, list_in, metadata_of, output_of
from floe.dialects.utask.questions import Applied, StepNow, TaskNow, apply_conditions
from floe.dialects.utask.rendering import (
    RenderedAction,
    Unrendered,
    rendered_action,
    rendered_hook,
)
from floe.dialects.utask.texts import render_result
from floe.expr.errors import ExpressionError
from floe.model.call import Call
from floe.model.ids import Json, RunRef, Shape
from floe.model.judging import Verdict

PLAIN_ACTIONS: Final = ("echo", "http", "cache", "tag")
"""Actions that know nothing of their task."""

COMMANDS: Final = ("script", "ssh")
"""Actions that are commands: they go on while their host restarts."""

CHILD_ACTIONS: Final = ("subtask", "batch", "callback")
"""Actions that await updates."""

_NS: Final = 1_000_000_000


def before(step: StepNow) -> Verdict:
    """Whether a step, or a child of a loop, runs, and what it is to do."""
    state = step.state
    if state is not None and state.state == HOOKED:
        return _entered(step, pre_hook=state.outputs["pre_hook"])
    limit = step.plan.max_retries
    if state is not None and 0 < limit < step.tries:
        why = f"Step reached max retries {limit}: {error_of(state)}"
        return Verdict(state=FATAL_ERROR, why=why, outputs=step.kept)
    if (skipped := _skipped(step, is_parent=False)) is not None:
        return skipped
    return _entered(step) if step.plan.hook is None else _hook_entered(step)


def expansion(step: StepNow) -> Verdict:
    """The list of a loop."""
    state = step.state
    if state is not None and state.state in (FATAL_ERROR, CLIENT_ERROR) and state.phase == "parked":
        return Verdict(state=state.state, why=error_of(state), outputs=step.kept)
    if (skipped := _skipped(step, is_parent=True)) is not None:
        return skipped
    data = step.task.data
    try:
        text = data.render(None, data.world())(step.plan.step.foreach)
        items = tuple(item_text(one) for one in list_in(text))
    except ExpressionError as error:
        return Verdict(state=FATAL_ERROR, why=error.what)
    return Verdict(items=items) if items else Verdict(state=DONE)


def result(task: TaskNow) -> Verdict:
    """The result of a task whose steps are all final; as it is written if it cannot be rendered."""
    format = dict(task.plan.read.template.result_format)
    try:
        found = render_result(format, task.data.render(None, task.data.world()))
    except ExpressionError as error:
        return Verdict(state=DONE, why=error.what, outputs={"result": format})
    return Verdict(state=DONE, outputs={"result": found})


def _skipped(step: StepNow, *, is_parent: bool) -> Verdict | None:
    """The verdict about a step that a condition skips; None if it runs.

    A condition that names no state of its step prunes it: in uTask it would never end.
    """
    conditions = step.plan.parent_skips if is_parent else step.plan.skips
    if not conditions:
        return None
    step.own["state"] = RUNNING
    done = Applied()
    try:
        apply_conditions(step, conditions, "skip", step.texts(), done)
    except ExpressionError as error:
        due = step.task.due(SERVER_ERROR, step.plan, step.tries)
        return Verdict(
            state=SERVER_ERROR,
            why=error.what,
            outputs=step.kept,
            due=due,
            sets=tuple(done.sets),
        )
    if not done.is_any_met:
        return None
    state = done.state or PRUNE
    return Verdict(
        state=label_of_state(state),
        why=done.message,
        outputs=step.kept,
        due=step.task.due(state, step.plan, step.tries),
        sets=tuple(done.sets),
    )


def _entered(step: StepNow, pre_hook: Json = None) -> Verdict:
    """The action of a step."""
    plan = step.plan.action
    step.own["state"] = RUNNING
    try:
        action = rendered_action(plan, step.texts(pre_hook))
    except Unrendered as error:
        return Verdict(state=FATAL_ERROR, why=str(error), outputs=step.kept)
    more: Shape = {}
    if pre_hook is not None and any(one.strategy == "template" for one in plan.outputs):
        more["pre_hook"] = pre_hook
    return Verdict(work=_call(step, plan.plugin, action, more, is_first=pre_hook is None))


def _hook_entered(step: StepNow) -> Verdict:
    """The pre-hook of a step."""
    plan = step.plan.hook
    assert plan is not None, "the step has a pre-hook"
    step.own["state"] = RUNNING
    try:
        action = rendered_hook(plan, step.plan.action, step.texts())
    except Unrendered as error:
        return Verdict(state=FATAL_ERROR, why=f"prehook: {error}", outputs=step.kept)
    kept = {"output": step.kept.get("output")}
    if step.state is not None:
        kept["metadata"] = metadata_of(step.state)
    return Verdict(work=_call(step, plan.plugin, action, {"hook": True, "kept": kept}))


def _call(
    step: StepNow, plugin: str, action: RenderedAction, more: Shape, *, is_first: bool = True
) -> Call:
    """The call of an action, with what it has to know of its step and of the task."""
    state, task = step.state, step.task
    config: Shape = {"configuration": action.configuration, "step": step.name, **more}
    if uncounted := step.outputs.get("uncounted"):
        config["uncounted"] = uncounted
    if any(one is not None for one in action.merges):
        config["merges"] = action.merges
    if resources := step.plan.step.resources:
        config["resources"] = [one.text for one in resources]
    if plugin not in PLAIN_ACTIONS:
        config["task"] = {**task.data.task, "template": task.plan.read.template.name}
        config["try_count"] = step.tries
        if state is not None:
            config["output"], config["metadata"] = output_of(state), metadata_of(state)
    if plugin in CHILD_ACTIONS:
        config |= _news(step, plugin, action.configuration)
    delay_s = step.plan.step.execution_delay_ns / _NS if is_first else 0.0
    is_kept = plugin in COMMANDS
    return Call(type=f"{DIALECT}.{plugin}", config=config, delay_s=delay_s, is_kept=is_kept)


def _news(step: StepNow, plugin: str, configuration: Json) -> Shape:
    """The children of a step, and the updates that came for it."""
    passes = step.task.run.passes
    assert passes is not None, "a run of utask is judged"
    prefix = f"{plugin}:{step.plan.node}."
    keys = {key for key in passes.updates if key.startswith(prefix)}
    if isinstance(configuration, dict):
        keys.add(f"callback:{configuration.get('id')}")
    updates = {
        key: {"state": one.state, "value": one.value}
        for key in sorted(keys)
        if (one := passes.updates.get(key)) is not None
    }
    children = {
        key: {"id": step.task.around.task_id(RunRef.parse(run))}
        for key, run in passes.children.items()
        if key.startswith(prefix)
    }
    return {"updates": updates, "children": children}
