"""Nodes of a run as JSON: in full, and the changes of one event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from floe.kernel.inputs import givers_of, inputs_of
from floe.kernel.items import label_of_item, state_of
from floe.kernel.owed import wait_due
from floe.model.codec import iso
from floe.model.errors import NotFound
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, Instant, Shape
from floe.model.run import Attempt, NodeState, Run
from floe.model.work import Wait
from floe.shapes.work import work_shape

ATTEMPTS_SHOWN: Final = 50
"""The newest attempts of a visit that a node lists: one with `repeat` may have 10,000, and each
change of it is sent to every listener."""


def node_shape(run: Run, node: Node) -> Shape:
    """A node of a run, whether it has entered or not."""
    state = run.nodes.get(node.id)
    shape: Shape = {
        "id": node.id,
        "ref": node.ref,
        "class": node.cls,
        "type": node.type,
        "name": node.name,
        "state": state_text(run, state),
    }
    if state is None:
        return shape
    return {
        **shape,
        **visit_shape(state, state.due or wait_due(run, node.id)),
        **items_shape(state),
        "visits": _visits(run, node),
    }


def visit_shape(state: NodeState, due: Instant | None = None) -> Shape:
    """One visit of a node. `due`: when its timer or its next attempt is due."""
    facts = zip(_VISIT, _facts(state, due), strict=True)
    return {name: write(value) if write else value for (name, write, _), value in facts}


def _facts(state: NodeState, due: Instant | None) -> tuple[object, ...]:
    """The values of `_VISIT`, before they are written."""
    last = state.outcome or (state.attempts[-1].outcome if state.attempts else None)
    return (
        state.visit,
        state.tag,
        state.good if state.tag else None,
        last.status if last else None,
        last.why if last else "",
        state.attempt,
        state.entered_at,
        state.queued_at,
        state.started_at,
        state.asked_at,
        due,
        state.settled_at,
        state.by,
        state.taken_from,
        state.child,
        state.state,
        state.output_bytes,
        state.outputs,
        state.attempts[-ATTEMPTS_SHOWN:],
    )


def node_change(before: Run | None, run: Run, node: Node, item: int = NO_ITEM) -> Shape:
    """The changes of a node by an event, for the feed: a listener merges them into its node.

    `item`: the one that the event is about; `item_states` has only that item.

    Left out, since a listener can derive them: a single attempt, and in a first visit a `queued_at`
    that equals `entered_at`.
    """
    state, earlier = run.nodes[node.id], before.nodes.get(node.id) if before else None
    changes: Shape = {"state": state_text(run, state)}
    if before is None:
        changes |= {"class": node.cls, "type": node.type, "name": node.name}
    new, old = _facts(state, state.due or wait_due(run, node.id)), _UNTOLD
    if before is not None and earlier is not None:
        old = _facts(earlier, earlier.due or wait_due(before, node.id))
    # As most values do not change, they are compared first, and only then written.
    for (name, write, _), value, known in zip(_VISIT, new, old, strict=True):
        if value != known:
            changes[name] = write(value) if write else value
    if state.visit == 1 and state.queued_at == state.entered_at:
        changes.pop("queued_at", None)
    if len(state.attempts) == 1:
        changes.pop("attempts", None)
    visits = _visits(run, node)
    if visits != (_visits(before, node) if before is not None and earlier is not None else []):
        changes["visits"] = visits
    if state.items is not None and (earlier is None or earlier.visit != state.visit):
        changes["items"] = labels(state)
    if item != NO_ITEM and (one := state_of(run, node.id, item)):
        changes["item_states"] = [item_shape(one)]
    if run.sealed:
        changes = without_values(changes)
    return {"id": node.id, "ref": node.ref, **changes}


def without_values(changes: Shape) -> Shape:
    """The changes of a node of a sealed run: the feed has none of its values, nor what quotes them.

    A page reads them with the run.
    """
    shown: Shape = {name: value for name, value in changes.items() if name not in _QUOTING}
    if items := changes.get("item_states"):
        shown["item_states"] = [{k: v for k, v in one.items() if k != "why"} for one in items]
    return shown


def _visits(run: Run, node: Node) -> list[Shape]:
    """The visits before the latest."""
    return [
        {"state": state_text(run, visit), **visit_shape(visit)}
        for visit in run.earlier.get(node.id, ())
    ]


def node_page(run: Run, node: Node) -> Shape:
    """A node with its inputs and its work."""
    state = run.nodes.get(node.id)
    return {
        **node_shape(run, node),
        "inputs": dict(inputs_of(run, state)) if state else {},
        "inputs_from": dict(givers_of(run, state)) if state else {},
        "work": work_shape((state and state.work) or node.work),
    }


def item_page(run: Run, node: Node, item: int) -> Shape:
    """An item of a node, in the shape of a node that runs once. Raises NotFound."""
    state = run.nodes.get(node.id)
    if state is not None and (state.items is None or item >= len(state.items.values)):
        raise no_item(run, node, item, state)
    one = state_of(run, node.id, item)
    shape = {**node_page(run, node), "item": item, "state": state_word(one) if one else "waiting"}
    if one is not None:
        work = work_shape(one.work or node.work)
        shape |= {**visit_shape(one, one.due), "work": work}
    shape.pop("items", None)
    shape.pop("item_states", None)
    return shape


def at_visit(run: Run, node: Node, visit: int) -> Run:
    """A run with a visit of a node as its latest; 0 leaves it as it is. Raises NotFound."""
    visits = run.visits(node.id)
    if visit in (0, len(visits)):
        return run
    if visit > len(visits):
        raise no_visit(run, node, visit)
    return replace(
        run,
        nodes={**run.nodes, node.id: visits[visit - 1]},
        earlier={**run.earlier, node.id: visits[: visit - 1]},
    )


def no_visit(run: Run, node: Node, visit: int) -> NotFound:
    """The error for a visit that a node does not have."""
    count = len(run.visits(node.id))
    what = f"{node.ref} of {run.ref} has no visit {visit}"
    return NotFound(what, f"the last is {count}" if count else "it has not entered")


def no_item(run: Run, node: Node, item: int, state: NodeState) -> NotFound:
    """The error for an item that a node does not have."""
    what = f"{node.ref} of {run.ref} has no item {item}"
    count = len(state.items.values) if state.items else 0
    return NotFound(what, f"the last is {count - 1}" if count else "it runs once")


def state_text(run: Run, state: NodeState | None) -> str:
    """One word for a node's state."""
    if state is None:
        return "never" if run.state == "archive" else "waiting"
    return state_word(state)


def state_word(state: NodeState) -> str:
    """One word for the state of a node or an item that has begun."""
    if state.outcome is not None and state.phase in ("settled", "again"):
        return state.outcome.result
    if state.phase == "parked":
        return _parked_word(state)
    if isinstance(state.work, Wait):
        return "waiting"  # for its time: it is no work of a host
    return _WORDS[state.phase]


_WORDS: Mapping[str, str] = {
    "entered": "queued",
    "started": "running",
    "asking": "asking",
    "armed": "retrying",
    "judging": "judging",
}


def _parked_word(state: NodeState) -> str:
    """One word for a node of a judged run that may run again with a later pass."""
    if state.due is not None:
        return "retrying"
    if state.outcome is not None and state.outcome.result != "good":
        return state.outcome.result
    return "waiting"


def items_shape(state: NodeState) -> Shape:
    """The labels of all items of a visit, and those that have begun; empty without items."""
    if state.items is None:
        return {}
    begun = sorted(state.items.states.items())
    return {"items": labels(state), "item_states": [item_shape(one) for _, one in begun]}


def labels(state: NodeState) -> list[str]:
    """The labels of all items, in order."""
    return [label_of_item(value) for value in state.items.values] if state.items else []


def item_shape(state: NodeState) -> Shape:
    """One item, without what is as at its beginning: a first attempt, no output, no reason."""
    last = state.outcome or (state.attempts[-1].outcome if state.attempts else None)
    shape: Shape = {"item": state.item, "state": state_word(state)}
    first = state.attempts[0] if state.attempt > 1 and state.attempts else None
    told: Shape = {
        "attempt": state.attempt if state.attempt > 1 else None,
        "status": last.status if last and last.result != "good" else None,
        "why": (last.why or None) if last else None,
        "started_at": iso(state.started_at),
        "begun_at": iso(first.started_at) if first else None,
        "due": iso(state.due),
        "ended_at": iso(state.settled_at),
        "output_bytes": state.output_bytes or None,
        "taken_from": state.taken_from or None,
        "child": state.child or None,
        "label": state.state or None,
    }
    return shape | {name: value for name, value in told.items() if value is not None}


def attempt_shape(attempt: Attempt) -> Shape:
    """A finished attempt of a node."""
    return {
        "attempt": attempt.attempt,
        "result": attempt.outcome.result,
        "status": attempt.outcome.status,
        "why": attempt.outcome.why,
        "started_at": iso(attempt.started_at),
        "ended_at": iso(attempt.ended_at),
        "output_bytes": attempt.output_bytes,
        "child": attempt.child,
    }


_QUOTING: Final = frozenset({"why", "outputs", "attempts", "visits", "items"})
"""Parts of a node that have values of its run, or reasons that quote them."""

_ALWAYS: Final = object()
"""Equals no value."""

_VISIT: Final[Sequence[tuple[str, Callable[[Any], object] | None, object]]] = (
    ("visit", None, 1),
    ("tag", None, None),
    ("good", None, None),
    ("status", None, None),
    ("why", None, ""),
    ("attempt", None, 1),
    ("entered_at", iso, _ALWAYS),
    ("queued_at", iso, _ALWAYS),
    ("started_at", iso, None),
    ("asked_at", iso, None),
    ("due", iso, None),
    ("ended_at", iso, None),
    ("by", None, ""),
    ("taken_from", None, ""),
    ("child", None, ""),
    ("label", None, ""),
    ("output_bytes", None, 0),
    ("outputs", dict, {}),
    ("attempts", lambda attempts: [attempt_shape(one) for one in attempts], ()),
)
"""Each value of a visit: its name, how it is written as JSON if that changes it, and the value that
a listener assumes until it receives a different one."""

_UNTOLD: Final = tuple(untold for _, _, untold in _VISIT)
