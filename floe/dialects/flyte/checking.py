"""Checks a flow file of flyte with its templates, which flyte first reads when an event comes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from floe.dialects.flyte.flow import FlowPlace, FlyteFlow, FlyteStep, Texts, shown_place
from floe.dialects.flyte.reading import flow_of
from floe.dialects.go_scalars import FLYTE
from floe.dialects.go_yaml import GoItems, GoScalar, GoTable, GoTree, json_value, parse_go_yaml
from floe.dialects.notes import Notes, Position
from floe.expr.errors import ExpressionError
from floe.expr.pongo2.template import parse
from floe.model.finding import Finding
from floe.model.ids import Json

STEPS: Final = "steps"


def checked(text: str, file: str) -> tuple[Finding, ...]:
    """What is wrong with a flow in YAML or JSON, each with its line and column."""
    notes = Notes(file)
    tree = parse_go_yaml(text, FLYTE, notes)
    if tree is None:
        return notes.findings
    found = flow_of(json_value(tree))
    for fault in found.faults:
        notes.error(_position(tree, fault.place), str(fault), fault.hint)
    if found.flow is None:
        return notes.findings
    for place, template in _templates(found.flow):
        try:
            parse(template)
        except ExpressionError as error:
            what = f"{shown_place(place)}: {error.what}"
            notes.error(_position(tree, place, error.offset or 0), what, error.hint)
    for place, what in _doubts(found.flow):
        notes.warning(_position(tree, place), f"{shown_place(place)}: {what}")
    return notes.findings


def _doubts(flow: FlyteFlow) -> Iterator[tuple[FlowPlace, str]]:
    """What flyte takes, and is hardly meant."""
    ids = Counter(step.id for step in flow.steps if step.id)
    for number, step in enumerate(flow.steps):
        if ids[step.id] > 1:
            what = f"several steps have the id `{step.id}`: one action of it is shown, the last"
            yield (STEPS, number, "id"), what
        for each, parent in enumerate(step.depends_on):
            if parent not in ids:
                yield (STEPS, number, "dependsOn", each), f"no step has the id `{parent}`"
            elif parent == step.id:
                yield (
                    (STEPS, number, "dependsOn", each),
                    "no step depends on itself: it never fires",
                )


def _templates(flow: FlyteFlow) -> Iterator[tuple[FlowPlace, str]]:
    for number, step in enumerate(flow.steps):
        for place, text in templates_of(step):
            yield (STEPS, number, *place), text


def templates_of(step: FlyteStep) -> Iterator[tuple[FlowPlace, str]]:
    """The templates of a step, each with its place in the step."""
    yield from _of_texts(step.context, ("context",))
    yield from _of_texts(step.event.pack_labels, ("event", "packLabels"))
    if step.criteria:
        yield ("criteria",), step.criteria
    yield from _of_texts(step.command.pack_labels, ("command", "packLabels"))
    yield from _of_input(step.command.input, ("command", "input"))


def _of_texts(texts: Texts, place: FlowPlace) -> Iterator[tuple[FlowPlace, str]]:
    for key, text in texts.items():
        yield (*place, key), text


def _of_input(value: Json, place: FlowPlace) -> Iterator[tuple[FlowPlace, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _of_input(one, (*place, key))
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _of_input(one, (*place, at))


def _position(tree: GoTree, place: FlowPlace, offset: int = 0) -> Position:
    """The position of a place in a document, or of the nearest part around it."""
    for part in place:
        inner = None
        if isinstance(tree, GoTable) and isinstance(part, str):
            entry = tree.entries.get(part)
            inner = entry.value if entry else None
        elif isinstance(tree, GoItems) and isinstance(part, int) and part < len(tree.items):
            inner = tree.items[part]
        if inner is None:
            break
        tree = inner
    return tree.position_of(offset) if isinstance(tree, GoScalar) and offset else tree.at
