"""What the states of nodes and items say of a step: its output, its error, how often it ran.

A call answers with an output and metadata. The verdict about it keeps the output as the template
forms it, and beside it only what does not follow from the run:

    output      absent for none
    metadata    only where the attempt after it would lose it
    error       only where it is not the reason of the outcome
    uncounted   attempts that were no executions: pre-hooks, and starts without a resource
    pre_hook    the output and metadata of the pre-hook, while its action goes on
    former      the state before a check that could not be evaluated
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from floe.dialects.utask.compiled import EXPANDED, HOOKED, PRUNE, RUNNING, TODO, state_of_label
from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.go_values import Value
from floe.expr.gotext.json_text import JsonWriter, read_exact
from floe.kernel.judged.states import PRUNE as BY_PRUNE
from floe.kernel.judged.verdicts import ITEMS_MAX
from floe.model.codec import from_text
from floe.model.ids import Json
from floe.model.run import ItemStates, NodeState

OPEN: Final = ("entered", "started", "armed", "judging")
"""The phases of a part whose action or verdict is still to come."""

_ITEM_FUEL: Final = 1_000_000


def state_name(state: NodeState | None) -> str:
    """The state of a step, or of a child of a loop."""
    if state is None:
        return TODO
    if state.phase in OPEN:
        return RUNNING if state.items is None else EXPANDED
    return RUNNING if state.state == HOOKED else state_of_label(state.state)


def output_of(state: NodeState) -> Json:
    """What a step put out; None for nothing."""
    return state.outputs.get("output")


def metadata_of(state: NodeState) -> Json:
    """What its action told besides; None for nothing."""
    kept = state.outputs if "metadata" in state.outputs else state.metadata
    return kept.get("metadata")


def error_of(state: NodeState) -> str:
    """Its error, or the message of the condition that set its state."""
    if state.outcome is None or (state.by and state.outcome.kind == BY_PRUNE):
        return ""
    why = state.outcome.why
    return why if state.by else str(state.outputs.get("error", why))


def tries_of(state: NodeState) -> int:
    """How often it was executed."""
    return state.tries - uncounted_in(state.outputs)


def uncounted_in(outputs: Mapping[str, Json]) -> int:
    """How many attempts were no executions."""
    return cast(int, outputs.get("uncounted", 0))


def children_of(items: ItemStates) -> list[Json]:
    """What the children of a loop came to that are done and were not pruned."""
    return [*_children(items)]


def _children(items: ItemStates) -> Iterator[Json]:
    for at in range(len(items.values)):
        state = items.states.get(at)
        if state is None or state.phase != "settled" or state.state == PRUNE:
            continue
        output, metadata = output_of(state), metadata_of(state)
        told = cast(dict[str, Any], metadata) if isinstance(metadata, Mapping) else {}
        shown = {"output": output} if output is not None else {}
        iterator = plain(items.values[at])
        yield {**shown, "metadata": {**told, "iterator": iterator}, "state": state_name(state)}


def item_text(value: Value) -> str:
    """An element of a list as a run keeps it: its JSON, so that numbers keep their texts."""
    return JsonWriter(Fuel(_ITEM_FUEL), is_for_html=False).write(value)


def iterator_of(kept: Json) -> Value:
    """An element as templates see it, from how a run keeps it."""
    return read_exact(str(kept), Fuel(_ITEM_FUEL))


def plain(kept: Json) -> Json:
    """An element as JSON, from how a run keeps it."""
    return from_text(str(kept))


def list_in(text: str) -> Sequence[Value]:
    """The list that the text of a `foreach` has. Raises ExpressionError."""
    found = read_exact(text, Fuel(_ITEM_FUEL))
    if found is None:
        return ()
    if not isinstance(found, list):
        raise ExpressionError("foreach needs a list")
    if len(found) > ITEMS_MAX:
        raise ExpressionError(f"foreach has {len(found):,} elements, of at most {ITEMS_MAX:,}")
    return found
