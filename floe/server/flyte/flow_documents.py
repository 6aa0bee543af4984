"""The document of a flow: what is kept of it, and why one is refused."""

from typing import Final

from floe.dialects.flyte.flow import AwaitedEvent, FlyteCommand, FlyteStep
from floe.dialects.flyte.reading import flow_of
from floe.model.errors import Yours
from floe.model.ids import Json, Shape
from floe.server.flyte.go_json import without_empty

FAULTS_MAX: Final = 20
"""Reasons in one answer."""


def flow_document(value: Json) -> Shape:
    """What is kept of a flow: known members, each with its type. Raises Yours with all reasons.

    Templates are not read: flyte takes any, and a step shows what is wrong with its own.
    """
    found = flow_of(value)
    if found.flow is None:
        faults = [str(fault) for fault in found.faults]
        more = f"; {len(faults) - FAULTS_MAX} more" if len(faults) > FAULTS_MAX else ""
        raise Yours("; ".join(faults[:FAULTS_MAX]) + more)
    flow = found.flow
    members = {"description": flow.description, "steps": [_step(step) for step in flow.steps]}
    return {"name": flow.name} | without_empty(members)


def _step(step: FlyteStep) -> Shape:
    return without_empty(
        {
            "id": step.id,
            "dependsOn": list(step.depends_on),
            "event": _named(step.event),
            "context": dict(step.context),
            "criteria": step.criteria,
            "command": _named(step.command) | {"input": step.command.input},
        }
    )


def _named(part: AwaitedEvent | FlyteCommand) -> Shape:
    """An event or a command of a pack."""
    names = {"name": part.name, "packName": part.pack_name}
    return names | without_empty({"packLabels": dict(part.pack_labels)})
