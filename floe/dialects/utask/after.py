"""Judges what the action of a step came to: its output, its state, what it does to other steps."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from floe.dialects.utask.compiled import (
    AFTERRUN_ERROR,
    CLIENT_ERROR,
    CRASHED,
    FATAL_ERROR,
    HOOKED,
    RUNNING,
    SERVER_ERROR,
    TO_RETRY,
    label_of_state,
)
from floe.dialects.utask.dependencies import DONE
from floe.dialects.utask.outputs import formed
from floe.dialects.utask.parts import metadata_of, output_of, uncounted_in
from floe.dialects.utask.plans import ActionPlan
from floe.dialects.utask.questions import Applied, StepNow, apply_conditions
from floe.dialects.utask.task_data import counts, member
from floe.dialects.utask.texts import Render
from floe.dialects.utask.validation import schema_fault
from floe.expr.errors import ExpressionError
from floe.model.call import Call
from floe.model.ids import NO_ITEM, Json, RunRef, Shape
from floe.model.judging import Note, Verdict
from floe.model.run import NodeState

CHECKED: Final = (DONE, CLIENT_ERROR, AFTERRUN_ERROR)
"""States of an action after which conditions are checked."""

NOTE_TAG: Final = "tag"


class Came(NamedTuple):
    """What an action came to, before the conditions."""

    state: str
    error: str
    output: Json


def after(step: StepNow) -> Verdict:
    """The verdict about a step, or a child of a loop, whose action is over."""
    state = step.state
    assert state is not None, "its action ran"
    if state.lost and not step.plan.step.idempotent:
        uncounted = _config(state).get("uncounted", 0) + 1
        return Verdict(state=CRASHED, why=_why(state), outputs={"uncounted": uncounted})
    if "former" in state.outputs:
        name, error = cast(Sequence[str], state.outputs["former"])
        return _checked(step, state, Came(name, error, output_of(state)))
    config = _config(state)
    if config.get("hook"):
        return _hooked(step, state, config)
    return _checked(step, state, _came(step, state, config))


def after_loop() -> Verdict:
    """The verdict about a loop whose children are all done."""
    return Verdict(state=DONE)


def _why(state: NodeState) -> str:
    return state.attempts[-1].outcome.why


def _config(state: NodeState) -> Shape:
    assert isinstance(state.work, Call), "an action is a call"
    return cast(Shape, state.work.config)


def _state(state: NodeState) -> str:
    """The state that an action came to, by its own word."""
    outcome = state.attempts[-1].outcome
    if outcome.kind:
        return outcome.kind
    return DONE if outcome.result == "good" else SERVER_ERROR


def _came(step: StepNow, state: NodeState, config: Shape) -> Came:
    plan, name, error = step.plan, _state(state), _why(state)
    try:
        output = _formed(step, plan.action, _with_id(step, output_of(state), state), config)
    except ExpressionError as unformed:
        own = f" (the action: {error})" if error else ""
        return Came(FATAL_ERROR, f"unable to format output: {unformed.what}{own}", None)
    if error or name != DONE or plan.step.json_schema is None:
        return Came(name, error, output)
    try:
        fault = schema_fault(plan.step.json_schema, output)
    except ExpressionError as stopped:
        fault = stopped.what
    if fault:
        return Came(FATAL_ERROR, f"the output does not fit json_schema: {fault}", output)
    return Came(name, "", output)


def _with_id(step: StepNow, output: Json, state: NodeState) -> Json:
    """The output of an action with the id of the task that it opened, which it cannot know."""
    passes = step.task.run.passes
    assert passes is not None, "a run of utask is judged"
    if not (isinstance(output, Mapping) and "id" in output and output["id"] is None):
        return output
    awaits = _list(state.metadata, "awaits")
    run = passes.children.get(str(awaits[0])) if awaits else None
    return output if run is None else {**output, "id": step.task.around.task_id(RunRef.parse(run))}


def _formed(step: StepNow, plan: ActionPlan, output: Json, config: Shape) -> Json:
    """The output as the step and its functions form it. Its texts see the step as it was before the
    action, but for the output."""
    if all(one.strategy == "none" for one in plan.outputs):
        return output
    merges = config.get("merges") or [None] * len(plan.outputs)

    def render(seen: Json) -> Render:
        tries = step.tries - config.get("uncounted", 0) - 1
        former = {"state": RUNNING, "error": "", "metadata": member(config.get("metadata"))}
        step.own.update(former | counts(step.plan, tries), output=member(seen))
        return step.texts(config.get("pre_hook")).render()

    return formed(plan, output, merges, render)


def _hooked(step: StepNow, state: NodeState, config: Shape) -> Verdict:
    """The verdict about a pre-hook: the action follows, unless it failed."""
    kept = {key: one for key, one in config["kept"].items() if one is not None}
    outputs = {**kept, "uncounted": config.get("uncounted", 0) + 1}
    plan, name, error = step.plan.hook, _state(state), _why(state)
    assert plan is not None, "the step has a pre-hook"
    if name == DONE and not error:
        try:
            output = _formed(step, plan, output_of(state), config)
        except ExpressionError as fault:
            name, error = FATAL_ERROR, f"unable to format output: {fault.what}"
        else:
            hook = {"output": output, "metadata": metadata_of(state)}
            return Verdict(state=HOOKED, outputs={**outputs, "pre_hook": hook})
    failed = TO_RETRY if name == TO_RETRY else FATAL_ERROR
    tries = state.tries - outputs["uncounted"]
    due = step.task.due(failed, step.plan, tries)
    return Verdict(state=failed, why=f"prehook: {error}", outputs=outputs, due=due)


def _checked(step: StepNow, state: NodeState, came: Came) -> Verdict:
    """The verdict about what an action came to, after the conditions."""
    uncounted = _uncounted(state)
    tries = state.tries - uncounted
    done, evaluation = Applied(), ""
    if came.state in CHECKED and step.plan.checks:
        step.own.update(
            state=came.state,
            error=came.error,
            output=member(came.output),
            metadata=member(metadata_of(state)),
            **counts(step.plan, tries),
        )
        try:
            hook = _config(state).get("pre_hook")
            apply_conditions(step, step.plan.checks, "check", step.texts(hook), done)
        except ExpressionError as stopped:
            evaluation = stopped.what
    name, error = came.state, came.error
    if evaluation:
        name, error = AFTERRUN_ERROR, evaluation
    elif done.state:
        name, error = done.state, done.message
    outputs: Shape = {} if came.output is None else {"output": came.output}
    if uncounted:
        outputs["uncounted"] = uncounted
    if evaluation:
        outputs["former"] = [came.state, came.error]
    elif not error and _why(state):
        outputs["error"] = ""
    is_kept = _keeps(step, state, name, outputs)
    told = state.metadata if state.phase == "judging" else {}
    return Verdict(
        state=label_of_state(name),
        why=error,
        outputs={} if is_kept else outputs,
        keeps_outputs=is_kept,
        due=step.task.due(name, step.plan, tries),
        awaits=tuple(map(str, _list(told, "awaits"))) if step.task.is_parked(name) else (),
        sets=tuple(done.sets),
        notes=tuple(_tags(told)),
    )


def _uncounted(state: NodeState) -> int:
    """How many attempts of a step were no executions, this one included."""
    if state.phase != "judging":
        return uncounted_in(state.outputs)
    return int(_config(state).get("uncounted", 0)) + bool(state.metadata.get("uncounted"))


def _keeps(step: StepNow, state: NodeState, name: str, outputs: Shape) -> bool:
    """Whether the outputs of a step are those of its action, so that its event need not repeat
    them."""
    is_alone = step.item == NO_ITEM and state.phase == "judging"
    return is_alone and step.task.is_final(name) and outputs == state.outputs


def _list(told: Mapping[str, Json], name: str) -> Sequence[Any]:
    found = told.get(name)
    return found if isinstance(found, list) else ()


def _tags(told: Mapping[str, Json]) -> list[Note]:
    """The tags that an action sets; an empty one is removed."""
    tags = told.get("tags")
    given = tags.items() if isinstance(tags, Mapping) else ()
    return [Note(kind=NOTE_TAG, key=str(key), value=value) for key, value in given]
