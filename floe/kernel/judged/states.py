"""Gives a node, or an item of it, a state by name: by its own verdict, by another, or by a rule."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from floe.kernel.items import state_of
from floe.kernel.judged.part import is_unjudged, next_entry, passes_of, table_of
from floe.kernel.run_step import RunStep
from floe.model.event import NodeSettled
from floe.model.ids import NO_ITEM, Instant, Json
from floe.model.judging import NodeSet
from floe.model.nouns import dataclass
from floe.model.outcome import Outcome
from floe.model.passes import Part
from floe.model.run import NodeState
from floe.model.states import FINAL, State
from floe.model.tags import Tag, tag_of

VISITS_MAX: Final = 1000
"""How often a node, or an item of it, is judged before it would enter, in one pass."""

PRUNE: Final = "prune"
LOST: Final = "lost"
EDIT: Final = "edit"
"""By what a state was set, where it was no verdict. edit: by a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewState:
    """A state that a part of a run is to have."""

    name: str
    why: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    keeps_outputs: bool = False
    due: Instant | None = None
    awaits: tuple[str, ...] = ()
    by: str = ""
    """As in NodeSet: empty for its own verdict."""
    kind: str = ""
    """Of its outcome: PRUNE where `why` is the reason of the kernel, and not a message."""
    unjudged: int = 0
    """As in NodeSet."""


def put(step: RunStep, part: Part, new: NewState, until: int = NO_ITEM) -> None:
    """Record the state of a part of a run; of an item that never began, also of those after it up
    to one. Its name is one of the table."""
    table = table_of(step.run)
    node, item = part
    if table.by_name[new.name].again == "now" and _is_spent(step, part):
        why = f"ran {VISITS_MAX:,} times in this pass"
        new = NewState(name=table.fatal, why=why, by=new.by)
    row = table.by_name[new.name]
    state = state_of(step.run, node, item)
    tags = _tags(step, part, row)
    outcome = _outcome(row, new, _last(step, state, new))
    if row.final and not new.by and item == NO_ITEM and state is not None and node in step.run.open:
        step.add(
            NodeSettled(
                at=step.now,
                node=node,
                visit=state.visit,
                attempt=state.attempt,
                outcome=outcome,
                tag=tags[0],
                tags=tags[1:],
                good=outcome.result in ("good", "skipped"),
                ended_at=state.attempts[-1].ended_at if state.attempts else step.now,
                outputs=new.outputs,
                output_bytes=state.output_bytes,
                keeps=new.keeps_outputs,
            )
        )
        return
    visit = state.visit if state else next_entry(step.run, part)[0]
    step.add(
        NodeSet(
            at=step.now,
            node=node,
            visit=visit,
            attempt=state.attempt if state else 0,
            item=item,
            until=until,
            state=row.name,
            phase="settled" if row.final else "again" if row.again == "now" else "parked",
            outcome=outcome,
            tags=tags,
            outputs=new.outputs,
            due=new.due,
            awaits=new.awaits,
            by=new.by,
            unjudged=new.unjudged,
        )
    )


def _is_spent(step: RunStep, part: Part) -> bool:
    return passes_of(step.run).entries.get(part, 0) >= VISITS_MAX


def _tags(step: RunStep, part: Part, row: State) -> tuple[Tag, ...]:
    """The tags of a state; none of an item, or of a node that runs again at once."""
    id, item = part
    if item != NO_ITEM or row.again == "now":
        return ()
    node = step.flow.by_id[id]
    labels = (row.name, FINAL) if row.final else (row.name,)
    return tuple(tag_of(node.cls, id, label) for label in labels)


def _last(step: RunStep, state: NodeState | None, new: NewState) -> Outcome | None:
    """What the action came to about which a verdict is; None if it is about no action."""
    if state is None or (state.phase != "judging" and (new.by or not is_unjudged(step.run, state))):
        return None
    return state.attempts[-1].outcome if state.attempts else None


def _outcome(row: State, new: NewState, last: Outcome | None) -> Outcome:
    """What a part came to: by the state, with the reason and the status of its action."""
    if last is None:
        return Outcome(result=row.result, why=new.why, kind=new.kind)
    return Outcome(result=row.result, status=last.status, why=new.why or last.why)
