"""A run as flyte's audit shows it: its flow, with the version that ran, and all of its actions.

Links are not in it: they depend on the address by which the reader came.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from floe.dialects.flyte.actions import ActionState, RunAction, actions_of
from floe.dialects.flyte.compiled import step_of, uuid_of
from floe.dialects.flyte.events import NO_RESULT, shown_event
from floe.model.ids import Instant, Shape
from floe.model.run import Run

IdOf = Callable[[int | None], str]
"""The id of the action of a step by its number; None for the correlation."""


def shown_run(run: Run, id_of: IdOf) -> Shape:
    """A correlation with all of its actions. Of actions with one step id the last is shown."""
    flow = run.flow
    assert flow is not None, "the flow of a run of flyte is there"
    actions, correlation = {}, id_of(None)
    for action in actions_of(run):
        step = step_of(flow.nodes[action.number])
        shown = _shown_action(run, step, action, id_of(action.number), correlation)
        actions[step.get("id", "")] = shown
    return {
        "name": flow.name,
        "uuid": uuid_of(flow),
        "correlationId": correlation,
        "steps": [{"id": "", **step_of(node)} for node in flow.nodes],
        "actions": actions,
    }


def go_time(at: Instant) -> str:
    """An instant as flyte writes it: in UTC, without zeros at its end."""
    seconds, ms = divmod(at, 1000)
    return f"{_second(seconds)}{f'.{ms:03d}'.rstrip('0') if ms else ''}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _shown_action(run: Run, step: Shape, action: RunAction, id: str, correlation: str) -> Shape:
    assert run.flow is not None, "the flow of a run of flyte is there"
    optional = {
        "packLabels": dict(action.labels),
        "context": dict(action.context),
        "input": action.input,
    }
    return {
        "id": id,
        "name": action.work.name,
        "packName": step["command"]["packName"],
        "state": _shown_state(action.state),
        "states": [_shown_state(state) for state in action.states],
        "correlationId": correlation,
        "flowName": run.flow.name,
        "flowUUID": uuid_of(run.flow),
        "stepId": step.get("id", ""),
        **{name: value for name, value in optional.items() if value not in (None, {})},
        "trigger": shown_event(action.trigger),
        "result": shown_event(action.result) if action.result else dict[str, Any](NO_RESULT),
    }


def _shown_state(state: ActionState) -> Mapping[str, str]:
    return {"value": state.value, "time": go_time(state.at)}
