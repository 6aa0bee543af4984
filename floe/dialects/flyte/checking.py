"""Checks a flow of flyte with its templates, which flyte first reads when an event comes.

A mistake of a template is an error: its step makes no action. What flyte takes and is hardly meant
is a warning.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from floe.dialects.flyte.doubts import (
    TemplateDoubt,
    TemplateNames,
    criteria_doubts,
    template_doubts,
)
from floe.dialects.flyte.flow import FlowPlace, FlyteFlow, FlyteStep, Texts, shown_place
from floe.dialects.flyte.known import KnownServer
from floe.dialects.flyte.reach import FlowReach, step_doubts
from floe.dialects.flyte.reading import flow_of
from floe.dialects.go_scalars import FLYTE
from floe.dialects.go_yaml import GoItems, GoScalar, GoTable, GoTree, json_value, parse_go_yaml
from floe.dialects.notes import FINDINGS_MAX, Notes, Position
from floe.expr.errors import ExpressionError
from floe.expr.pongo2.template import TemplateParts, parts_of
from floe.model.finding import Finding
from floe.model.ids import Json

STEPS: Final = "steps"

PARTS_MAX: Final = 5_000
"""Parts of expressions of a flow in which doubts are looked for; errors are found in all."""

DOUBT_PARTS: Final = 100
"""Parts that a doubt counts for: its hint costs time."""


def checked(text: str, file: str, known: KnownServer | None = None) -> tuple[Finding, ...]:
    """What is wrong with a flow in YAML or JSON, each with its line and column.

    `known`: the packs and the datastore that it has to do with; without it, they are left out.
    """
    notes = Notes(file)
    tree = parse_go_yaml(text, FLYTE, notes)
    if tree is None:
        return notes.findings
    _check(json_value(tree), known, notes, lambda place, offset: _position(tree, place, offset))
    return notes.findings


def checked_document(
    document: Json, name: str, known: KnownServer | None = None
) -> tuple[Finding, ...]:
    """What is wrong with a flow that has no text, without lines and columns."""
    notes = Notes(name)
    _check(document, known, notes, lambda place, offset: Position())
    return notes.findings


def _check(
    document: Json,
    known: KnownServer | None,
    notes: Notes,
    position: Callable[[FlowPlace, int], Position],
) -> None:
    found = flow_of(document)
    for fault in found.faults:
        notes.error(position(fault.place, 0), str(fault), fault.hint)
    if found.flow is None:
        return
    for doubt in islice(step_doubts(found.flow, known), FINDINGS_MAX + 1):
        what = f"{shown_place(doubt.place)}: {doubt.what}"
        notes.warning(position(doubt.place, 0), what, doubt.hint)
    left = PARTS_MAX
    for place, template, names in _templates(found.flow, known):
        try:
            parts = parts_of(template)
        except ExpressionError as error:
            what = f"{shown_place(place)}: {error.what}"
            notes.error(position(place, error.offset or 0), what, error.hint)
            continue
        if left > 0:
            left -= len(parts.found)
            for at, what, hint in _doubts(template, parts, place, names):
                notes.warning(position(place, at), f"{shown_place(place)}: {what}", hint)
                left -= DOUBT_PARTS


def _doubts(
    template: str, parts: TemplateParts, place: FlowPlace, names: TemplateNames
) -> list[TemplateDoubt]:
    doubts = template_doubts(parts, names)
    if place[2:] == ("criteria",):
        doubts += criteria_doubts(template, parts, is_doubtful=bool(doubts))
    return doubts


def _templates(
    flow: FlyteFlow, known: KnownServer | None
) -> Iterator[tuple[FlowPlace, str, TemplateNames]]:
    """Each template with its place and what it sees."""
    items = known.keys if known else None
    before = FlowReach(flow).inherited()
    for number, step in enumerate(flow.steps):
        own = frozenset(step.context)
        outer = TemplateNames(before[number], own - before[number], items)
        inner = TemplateNames(before[number] | own, items=items)
        for place, text in templates_of(step):
            names = outer if place[0] == "context" else inner
            yield (STEPS, number, *place), text, names


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
