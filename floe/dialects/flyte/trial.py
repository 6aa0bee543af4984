"""What an event would come to in a flow: which steps fire with what, and why each other one does
not. Nothing is kept, and no run begins.
"""

from collections.abc import Mapping
from typing import Final

from floe.dialects.flyte.candidates import awaits
from floe.dialects.flyte.faults import fault_shape
from floe.dialects.flyte.flow import FlyteAction, FlyteEvent, FlyteStep
from floe.dialects.flyte.stepping import StepFault, StepTemplates, event_struct, executed
from floe.expr.pongo2.scope import TemplateSurroundings
from floe.model.ids import Json, Shape

TRY: Final = "try"
"""A kind of text: an event, a flow and the items that its templates read."""

STEPS_MAX: Final = 100
"""Steps of one flow that are tried."""


def tried(
    steps: tuple[FlyteStep, ...],
    shapes: list[Shape],
    event: FlyteEvent,
    surroundings: TemplateSurroundings,
) -> list[Json]:
    """What each step that waits for an event makes of it, in the order of the flow.

    `shapes` are the steps as in the document of their flow.
    """
    struct, templates = event_struct(event), StepTemplates()
    found: list[Json] = []
    for number, (step, shape) in enumerate(zip(steps, shapes, strict=True)):
        if not awaits(step, event) or len(found) == STEPS_MAX:
            continue
        if step.depends_on:
            outcome = _waiting(step)
        else:
            result = executed(step, event, {}, surroundings, templates, struct)
            outcome = _outcome(result, step, shape, event)
        found.append({"step": step.id, "number": number + 1, **outcome})
    return found


def _waiting(step: FlyteStep) -> Shape:
    parents = " or ".join(step.depends_on)
    why = f"it waits for the result of {parents} in a run: a fresh event never fires it"
    return {"outcome": "waits", "why": why}


def _outcome(result: object, step: FlyteStep, shape: Shape, event: FlyteEvent) -> Shape:
    if isinstance(result, FlyteAction):
        action: Shape = {
            "pack": result.pack_name,
            "labels": dict(result.pack_labels),
            "command": result.command,
            "input": result.input,
            "context": dict(result.context),
        }
        return {"outcome": "fires", "why": "", "action": action}
    if isinstance(result, StepFault):
        fault = fault_shape(result, shape)
        return {"outcome": "fault", "why": result.what, "fault": fault}
    if result == "labels":
        why = f"it asks for {_labels(step.event.pack_labels)}, and the pack has "
        return {"outcome": "labels", "why": why + (_labels(event.pack.labels) or "no labels")}
    return {"outcome": "criteria", "why": f"its criteria are false: {step.criteria}"}


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
