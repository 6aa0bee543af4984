"""The values that a template may name, as they are in a run now.

Source: docs/flows.md, "Templates".
"""

from collections.abc import Mapping
from typing import Final

from floe.expr.paths import Unknown, value_at
from floe.model.flow import Flow
from floe.model.ids import Json, Key, NodeId, RunRef
from floe.model.outcome import Outcome
from floe.model.run import ItemStates, Run
from floe.model.secret import HIDDEN, names_secret, without_secrets
from floe.model.tags import Tag, label_of
from floe.model.template import Path

NODE: Final = ("state", "outputs", "status", "attempts", "why", "items")
"""What a template may name of a node that settled: `task.build.outputs.url`."""

RUN: Final = ("id", "flow", "ver", "by", "trigger")
"""What a title may name of its run."""

RUN_AT_NODE: Final = (*RUN, "title", "rerun-of", "parent")
"""What the work of a node may name of its run."""

TRIGGER: Final = ("id", "type")


def named_value(run: Run, flow: Flow, path: Path) -> Json:
    """The value that a path of a template names. Raises Unknown."""
    match path:
        case ("values", *names):
            return value_at(run.values, tuple(names))
        case ("task" | "merge", str(node), *names):
            return value_at(_node(run, NodeId(node)), tuple(names))
        case ("run", *names):
            known: Mapping[str, Json] = {
                "id": str(run.ref),
                "flow": run.flow_id,
                "ver": run.ver,
                "by": run.by,
                "trigger": run.trigger,
                "title": run.title,
            }
            if run.rerun_of:
                known = {**known, "rerun-of": str(RunRef.parse(run.rerun_of.run))}
            if run.parent:
                known = {**known, "parent": str(Key.parse(run.parent.key).run)}
            return value_at(known, tuple(names))
        case ("trigger", *names):
            types = {trigger.id: trigger.type for trigger in flow.triggers}
            trigger: Mapping[str, Json] = {"id": run.trigger, "type": types.get(run.trigger)}
            return value_at(trigger, tuple(names))
        case _:
            raise Unknown


def _node(run: Run, id: NodeId) -> Mapping[str, Json]:
    if id in run.nodes and (outcome := (state := run.settled(id)).outcome):
        named = _named(outcome, state.tag, state.outputs, state.attempt)
        return {**named, "items": _items(state.items)} if state.items else named
    for taken in run.taken:  # a re-run has them from its activation on
        if taken.node == id and not run.nodes:
            return _named(taken.outcome, taken.tag, taken.outputs, taken.attempt)
    raise Unknown


def _items(items: ItemStates) -> list[Json]:
    """Each item in the shape of a node that runs once; one that did not begin has a state alone."""
    each = [items.states.get(index) for index in range(len(items.values))]
    return [
        _named(one.outcome, None, one.outputs, len(one.attempts))
        if one and one.outcome
        else {"state": "never"}
        for one in each
    ]


def _named(
    outcome: Outcome, tag: Tag | None, outputs: Mapping[str, Json], attempts: int
) -> Mapping[str, Json]:
    return {
        "state": label_of(tag) if tag else outcome.result,
        "outputs": outputs,
        "status": outcome.status,
        "attempts": attempts,
        "why": outcome.why,
    }


def shown_value(run: Run, flow: Flow, path: Path) -> Json:
    """A named value that is safe to show: without secrets."""
    value = named_value(run, flow, path)
    return HIDDEN if names_secret(path) else without_secrets(value)
