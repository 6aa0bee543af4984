"""The graph of a flow of flyte: its events, its steps, and which steps a result may lead to.

The kernel knows no edges between steps, since verdicts alone let them enter.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from floe.dialects.flyte.compiled import DIALECT, FATAL, SUCCESS, is_trigger, step_of
from floe.dialects.flyte.events import FATAL_EVENT
from floe.model.flow import Flow
from floe.model.ids import Shape
from floe.server.flyte.names import short_name

FLYTE: Final = DIALECT

EDGES_MAX: Final = 2_000
"""Edges that are drawn of a flow; a flow may have 1,000 steps that depend on one another."""

LABEL_MAX: Final = 24
NAME_MAX: Final = 120
"""Characters of an event at an edge, and of a name in the graph."""


class Dependence(NamedTuple):
    """A step that may follow another one, by number."""

    before: int
    step: int


def flyte_graph(flow: Flow) -> Shape:
    """A flow of flyte as a picture. An event of its steps without `dependsOn` is a trigger."""
    steps = [step_of(node) for node in flow.nodes]
    events: dict[tuple[str, str], str] = {}
    for step in filter(is_trigger, steps):
        events.setdefault(_event_of(step), f"event-{len(events)}")
    edges = [*islice(dependences(steps), EDGES_MAX)]
    levels = _levels(len(steps), edges)
    nodes = [_event_node(id, *event) for event, id in events.items()]
    for node, step, level in zip(flow.nodes, steps, levels, strict=True):
        nodes.append(
            _node(node.id, "task", "flyte", node.ref, level)
            | {"name": short_name(node.name, NAME_MAX), "calls": _calls(step)}
        )
    drawn = [_edge(flow, steps, edge) for edge in edges]
    for node, step in zip(flow.nodes, steps, strict=True):
        if is_trigger(step):
            source = events[_event_of(step)]
            drawn.append({"from": source, "to": node.id, "tag": f"{source}.good"})
    return {"nodes": nodes, "edges": drawn}


def dependences(steps: Sequence[Shape]) -> Iterator[Dependence]:
    """The steps that each step depends on, in their order. Ids that no step has are left out."""
    by_id: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        by_id.setdefault(step.get("id", ""), []).append(number)
    for number, step in enumerate(steps):
        for id in dict.fromkeys(step.get("dependsOn", ())):
            for before in by_id.get(id, ()):
                yield Dependence(before, number)


def unknown_ids(steps: Sequence[Shape]) -> Mapping[int, list[str]]:
    """By step: the ids on which it depends, and that no step has."""
    known = {step.get("id", "") for step in steps}
    found = {
        number: [id for id in dict.fromkeys(step.get("dependsOn", ())) if id not in known]
        for number, step in enumerate(steps)
    }
    return {number: ids for number, ids in found.items() if ids}


def _levels(count: int, edges: Iterable[Dependence]) -> list[int]:
    """The column of each step: one more than those before it. Of steps that wait for each other
    the first of the flow counts as free."""
    after: dict[int, list[int]] = {}
    open_ = [0] * count
    for edge in edges:
        if edge.before != edge.step:
            after.setdefault(edge.before, []).append(edge.step)
            open_[edge.step] += 1
    levels, is_done = [1] * count, [False] * count
    free = deque(number for number in range(count) if not open_[number])
    first = 0
    while first < count:
        while free:
            number = free.popleft()
            is_done[number] = True
            for later in after.get(number, ()):
                open_[later] -= 1
                if not is_done[later]:
                    levels[later] = max(levels[later], levels[number] + 1)
                    if not open_[later]:
                        free.append(later)
        while first < count and is_done[first]:
            first += 1
        if first < count:
            free.append(first)
    return levels


def _edge(flow: Flow, steps: Sequence[Shape], edge: Dependence) -> Shape:
    source, event = flow.nodes[edge.before], steps[edge.step]["event"]
    of = "" if event["packName"] == steps[edge.before]["command"]["packName"] else event["packName"]
    state = FATAL if event["name"] == FATAL_EVENT else SUCCESS
    return {
        "from": source.id,
        "to": flow.nodes[edge.step].id,
        "tag": f"{source.ref}.{state}",
        "label": short_name(f"{of} {event['name']}".strip(), LABEL_MAX),
    }


def _event_node(id: str, pack: str, name: str) -> Shape:
    sender = short_name(f"from {pack}", NAME_MAX)
    named = {"name": short_name(name, NAME_MAX), "calls": sender}
    return _node(id, "trigger", "event", id, 0) | named


def _node(id: str, cls: str, type: str, ref: str, level: int) -> Shape:
    return {"id": id, "ref": ref, "class": cls, "type": type, "level": level} | {
        "listen": [],
        "wait": [],
    }


def _calls(step: Shape) -> str:
    command = step["command"]
    return short_name(f"{command['packName']} {command['name']}", NAME_MAX)


def _event_of(step: Shape) -> tuple[str, str]:
    return step["event"]["packName"], step["event"]["name"]
