"""Where a template of a step is wrong, as values that people are shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from floe.dialects.flyte.checking import templates_of
from floe.dialects.flyte.flow import FlowPlace, FlyteStep, shown_place
from floe.dialects.flyte.stepping import StepFault
from floe.expr.errors import ExpressionError
from floe.expr.pongo2.template import parse
from floe.model.ids import Json, Shape

LINE_MAX: Final = 300
"""Characters of the line of a template that are shown."""

BEFORE: Final = 200
"""Characters of it before the place of the error."""


def fault_shape(fault: StepFault, step: Shape) -> Shape:
    """A fault of a step: its place, the line of the template with the error, and the position in
    that template, from 1; without a position where none is known."""
    shape: Shape = {"place": shown_place(fault.place), "what": fault.what, "hint": fault.hint}
    template = template_at(step, fault.place)
    if template is None:
        return shape
    offset = min(fault.offset or 0, len(template))
    before = template[:offset]
    start = before.rfind("\n") + 1
    cut = max(0, offset - start - BEFORE)
    line = template[start:].partition("\n")[0][cut : cut + LINE_MAX]
    shape |= {"template": line, "lines": template.count("\n") + 1}
    if fault.offset is not None:
        shape |= {"line": before.count("\n") + 1, "column": offset - start + 1, "cut": cut}
    return shape


def faulty_templates(steps: Sequence[FlyteStep], shapes: Sequence[Shape]) -> Iterator[Shape]:
    """The templates of a flow that cannot be read, whatever comes; with the ids of their steps.

    `shapes` are the steps as in the document of their flow.
    """
    for number, (step, shape) in enumerate(zip(steps, shapes, strict=True)):
        for place, template in templates_of(step):
            try:
                parse(template)
            except ExpressionError as error:
                fault = StepFault(place, error.what, error.hint, error.offset)
                yield {"step": step.id, "number": number + 1, **fault_shape(fault, shape)}


def template_at(step: Shape, place: FlowPlace) -> str | None:
    """The text at a place of a step as its document has it; None if it is no text."""
    value: Json = step
    for part in place:
        if isinstance(value, Mapping) and part in value:
            value = value[str(part)]
        elif isinstance(value, Sequence) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value if isinstance(value, str) else None
