"""Checks flow tasks against the flows that they run, as far as those are known at reading.

At run time the host that has the run looks the flow up, in its own config. So a name that is not
known here may be known there, and is a finding of the run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Literal, NamedTuple

from floe.dialects.base import KnownFlows
from floe.dialects.floe.expressions import named_in
from floe.dialects.floe.nodes import Nodes
from floe.dialects.floe.path_kinds import kind_of_path
from floe.dialects.floe.templates import Mentioned, TemplateText, mentioned
from floe.dialects.floe.vocabulary import OUTPUTS, SUB_FLOW, SUB_VALUES
from floe.dialects.floe.work_texts import texts_in
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Table
from floe.expr.form_values import checked_values
from floe.expr.template import NAMES, TemplateInvalid, expression_of, template_parts
from floe.expr.values import Kind, listed, named
from floe.kernel.children import PER_HOST
from floe.kernel.judge import AT_NODE, OF_ITEM
from floe.model.children import SubFlow
from floe.model.errors import TooLarge, ValuesInvalid
from floe.model.flow import Flow, Node, Trigger
from floe.model.form import FieldType
from floe.model.ids import FlowId, NodeId
from floe.model.start_form import form_of
from floe.model.template import Template

RUN_OF_CHILD: Final = ("run",)
"""The outputs of a flow task that does not wait."""


class ReadFlow(NamedTuple):
    """For the checks of sub-flows: a flow that was read, and its document."""

    flow: Flow
    nodes: Nodes
    table: Table


def check_sub_flows(one: ReadFlow, known: KnownFlows, notes: Notes) -> None:
    """Report what the flow tasks of a flow ask for, and the flows that they run do not have."""
    children: dict[NodeId, Flow] = {}
    for node in one.flow.nodes:
        if isinstance(node.work, SubFlow):
            opts = one.nodes.opts[node.id]
            at = _at(opts, SUB_FLOW.name)
            if child := known.find(node.work.flow):
                children[node.id] = child
                if way := _way_back(one.flow, child, known):
                    what = f"a flow never runs below itself: {' → '.join([one.flow.id, *way])}"
                    notes.error(at, what, "repeat nodes of one flow with `loop`")
                    continue
                _check_resources(one.flow, child, node.work, at, notes)
                _check_values(one.flow, child, node.work, opts, notes)
            elif known.unknown and node.work.flow.partition("@")[0] not in known.unclear:
                note = notes.error if known.unknown == "error" else notes.warning
                what = f"there is no flow `{node.work.flow}`"
                note(at, what, closest(node.work.flow, known.names) or _they_are(known))
    if children:
        _check_outputs(one, children, notes)


def known_flows(
    own: Sequence[Flow], others: Sequence[Flow], unknown: Literal["error", "warning", ""]
) -> KnownFlows:
    """The flows that flow tasks of a document can name. `others`: of other documents.

    Nothing is known about a flow that several other documents have, or that has no trigger: that
    document may be a flow-file.
    """
    ids = {flow.id for flow in own}
    origins: dict[FlowId, set[str]] = {}
    for flow in others:
        if flow.id not in ids:
            origins.setdefault(flow.id, set()).update([flow.origin] if flow.triggers else [])
    clear = {id for id, found in origins.items() if len(found) == 1}
    return KnownFlows(
        flows=(*own, *(flow for flow in others if flow.id in clear and flow.triggers)),
        unknown=unknown,
        unclear=frozenset(origins.keys() - clear),
    )


def _they_are(known: KnownFlows) -> str:
    ids = sorted({flow.id for flow in known.flows})
    return f"the flows are {', '.join(ids[:10])}{', …' if len(ids) > 10 else ''}"


def _at(opts: Table, key: str) -> Position:
    """The position of the value of a key; of the map, where it is not given."""
    return opts.entries[key].value.at if key in opts.entries else opts.at


def _check_resources(flow: Flow, child: Flow, work: SubFlow, at: Position, notes: Notes) -> None:
    """Report a resource tag that a child needs and the run above it holds."""
    shared = [t for t in flow.resource_tags if t in child.resource_tags and PER_HOST not in t]
    if work.wait and shared and not child.flow_file:
        what = f"`{child.id}` needs `{shared[0]}`, which a run of `{flow.id}` holds until it ends"
        notes.error(at, what, "remove it from `resource-tags` of one of them")


def _way_back(flow: Flow, child: Flow, known: KnownFlows) -> list[str]:
    """The flows from a child back to the flow that runs it; empty if no way leads there."""
    ways = {child.id: [str(child.id)]}
    fresh = [child]
    for one in fresh:  # grows by the flows that each runs
        if one.id == flow.id:
            return ways[one.id]
        for node in one.nodes:
            below = known.find(node.work.flow) if isinstance(node.work, SubFlow) else None
            if below and below.id not in ways:
                ways[below.id] = [*ways[one.id], below.id]
                fresh.append(below)
    return []


# --- values -----------------------------------------------------------------------------------


def _check_values(flow: Flow, child: Flow, work: SubFlow, opts: Table, notes: Notes) -> None:
    """Report the values that the child's first trigger for data would refuse."""
    trigger = _pulled(child)
    if trigger is None:
        what = f"the flow `{child.id}` has no trigger, so nothing can start it"
        notes.error(_at(opts, SUB_FLOW.name), what, "triggers: [{name: start, type: data}]")
        return
    entry = opts.entries.get(SUB_VALUES.name)
    table = entry.value if entry and isinstance(entry.value, Table) else Table(opts.at, {})
    form = form_of(trigger)
    ids = tuple(field.id for field in form.fields)
    for name, (key_at, _) in table.entries.items():
        if name not in ids:
            hint = closest(name, ids) or (f"it takes {', '.join(ids)}" if ids else "")
            notes.error(key_at, f"the flow `{child.id}` takes no value `{name}`", hint)
    later = {text.name: text.template for text in work.texts}
    for name, why in _wrong(child, trigger, work, ids, notes, table.at).items():
        if name in later:
            continue
        at = table.entries[name].value.at if name in table.entries else table.at
        if name not in table.entries:
            what = f"the flow `{child.id}` needs a value for `{name}`"
            notes.error(at, what, f"values: {{{name}: …}}")
        else:
            notes.error(at, f"`{name}` of the flow `{child.id}`: {why}")
    types = {field.id: field.type for field in form.fields}
    for name, template in later.items():
        if name in types:
            found = _kind(template, flow)
            if found and found not in _TAKEN[types[name]]:
                what = f"`{name}` of the flow `{child.id}` takes {listed(_TAKEN[types[name]])}"
                notes.error(table.entries[name].value.at, f"{what}, not {named(found)}")


_TAKEN: Final[Mapping[FieldType, tuple[Kind, ...]]] = {
    "bool": ("bool", "text"),
    "number": ("number", "text"),
    "list": ("list", "text"),
    "choice": ("text",),
    "string": ("text", "number"),
    "text": ("text", "number"),
}
"""The types of JSON from which a field may take a value; any takes null for its initial value."""


def _pulled(flow: Flow) -> Trigger | None:
    """The trigger that starts a child: the first that takes data, else the first."""
    data = (trigger for trigger in flow.triggers if trigger.type == "data")
    return next(data, next(iter(flow.triggers), None))


def _wrong(
    child: Flow,
    trigger: Trigger,
    work: SubFlow,
    ids: tuple[str, ...],
    notes: Notes,
    at: Position,
) -> Mapping[str, str]:
    """What is wrong with values as written, by name; a value of the run counts as not given."""
    try:
        checked_values(form_of(trigger), {n: v for n, v in work.values.items() if n in ids})
    except ValuesInvalid as error:
        return error.fields
    except TooLarge as error:
        notes.error(at, f"the flow `{child.id}`: {error.what}")
    return {}


def _kind(template: Template, flow: Flow) -> Kind | None:
    """The type of what a template comes to; None if it is not known, or may be null."""
    [first, *others] = template.parts
    if others:
        return "text"
    if first.path:
        return kind_of_path(flow, first.path)
    from floe.expr.flow.type_mistakes import kind  # most flows have no expression

    found = kind(expression_of(first).part, partial(kind_of_path, flow))
    return None if found == "null" else found


# --- outputs ----------------------------------------------------------------------------------


def _check_outputs(one: ReadFlow, children: Mapping[NodeId, Flow], notes: Notes) -> None:
    """Report the outputs of flow tasks that the flows which they run do not have."""
    for path in _named(one):
        match path.path:
            case ("task", str(id), "outputs", str(name), *_):
                pass
            case ("task", str(id), "items", _, "outputs", str(name), *_):
                pass
            case _:
                continue
        if child := children.get(NodeId(id)):
            node = one.flow.by_id[NodeId(id)]
            outputs = _outputs(node, child)
            if outputs is not None and name not in outputs:
                _note_output(node, child, name, outputs, path.at, notes)


def _outputs(node: Node, child: Flow) -> tuple[str, ...] | None:
    """The outputs of a flow task; None if they are not known, since a flow-file can have them."""
    assert isinstance(node.work, SubFlow), "it runs this flow"
    if not node.work.wait:
        return RUN_OF_CHILD
    return None if child.flow_file else tuple(output.id for output in child.outputs)


def _note_output(
    node: Node, child: Flow, name: str, outputs: tuple[str, ...], at: Position, notes: Notes
) -> None:
    if outputs is RUN_OF_CHILD:
        what = f"`{node.id}` does not wait for its child, and has only the output `run`"
        notes.error(at, what, "remove `wait: false`")
        return
    has = f"it has {', '.join(outputs)}" if outputs else f"{OUTPUTS.name}: {{{name}: …}}  (there)"
    what = f"the flow `{child.id}` has no output `{name}`"
    notes.error(at, what, closest(name, outputs) or has)


def _named(one: ReadFlow) -> Iterator[Mentioned]:
    """The paths in the expressions of nodes, and in all texts with values."""
    nodes = one.nodes
    untils = (repeat.until for repeat in nodes.repeats.values())
    for text in (*nodes.conditions.values(), *nodes.lists.values(), *untils):
        if text is not None:
            yield from named_in(text)
    for tree in texts_in(one.table):
        with suppress(TemplateInvalid):  # it was reported when the text was read
            yield from mentioned(TemplateText(tree, template_parts(tree.text, _FIRST)))


_FIRST: Final = (*NAMES, *AT_NODE, *OF_ITEM)
