"""The document of a flow: what flyte accepts, and what is kept of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from floe.model.errors import Yours
from floe.model.ids import Json, Shape
from floe.server.flyte.go_json import GoObject, without_empty

FAULTS_MAX: Final = 20
"""Reasons in one answer."""


def flow_document(value: Json) -> Shape:
    """What is kept of a flow: known members, each with its type. Raises Yours with all reasons.

    Templates are not read: flyte takes any, and a step shows what is wrong with its own.
    """
    faults = list(_faults(value))
    if faults:
        more = f"; {len(faults) - FAULTS_MAX} more" if len(faults) > FAULTS_MAX else ""
        raise Yours("; ".join(faults[:FAULTS_MAX]) + more)
    flow = GoObject(value, "the flow")
    flow.text("id")
    return without_empty(
        {
            "name": flow.text("name"),
            "description": flow.text("description"),
            "steps": [_step(step) for step in flow.objects("steps")],
        }
    ) | {"name": flow.text("name")}


def _step(step: GoObject) -> Shape:
    event, command = step.object("event"), step.object("command")
    return without_empty(
        {
            "id": step.text("id"),
            "dependsOn": step.texts("dependsOn"),
            "event": _named(event),
            "context": step.text_map("context"),
            "criteria": step.text("criteria"),
            "command": _named(command) | {"input": command.value("input")},
        }
    )


def _named(members: GoObject) -> Shape:
    """An event or a command of a pack."""
    names = {"name": members.text("name"), "packName": members.text("packName")}
    return names | without_empty({"packLabels": members.text_map("packLabels")})


# --- what flyte's JSON Schema demands, with keys in their exact spelling ---


def _faults(flow: Json) -> Iterator[str]:
    if not isinstance(flow, Mapping):
        yield "a flow is an object"
        return
    yield from _line_faults(flow, "", "name", required=True)
    yield from _line_faults(flow, "", "description")
    steps = flow.get("steps")
    if not isinstance(steps, Sequence) or isinstance(steps, str):
        yield "steps must be a list"
        return
    for number, step in enumerate(steps):
        yield from _step_faults(step, f"steps[{number}]")


def _step_faults(step: Json, at: str) -> Iterator[str]:
    if not isinstance(step, Mapping):
        yield f"{at} must be an object"
        return
    for part in ("event", "command"):
        found = step.get(part)
        if isinstance(found, Mapping):
            yield from _line_faults(found, f"{at}.{part}.", "name", required=True)
            yield from _line_faults(found, f"{at}.{part}.", "packName", required=True)
        else:
            yield f"{at}.{part} must be an object"
    if "context" in step and not isinstance(step["context"], Mapping):
        yield f"{at}.context must be an object"
    yield from _line_faults(step, f"{at}.", "criteria")


def _line_faults(
    members: Mapping[str, Json], at: str, name: str, *, required: bool = False
) -> Iterator[str]:
    """Why a member is no text of one line."""
    if name not in members:
        if required:
            yield f"{at}{name} is missing"
        return
    value = members[name]
    if not isinstance(value, str):
        yield f"{at}{name} must be a text"
    elif "\n" in value:
        yield f"{at}{name} has a line break"
