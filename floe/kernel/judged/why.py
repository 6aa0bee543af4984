"""Explains what a run of a judged flow waits for: the pass, its open nodes, and what they await."""

from collections.abc import Iterator
from typing import Final

from floe.kernel.judged.awaited import missing_keys
from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import (
    LEFT,
    is_expanded,
    part_text,
    passes_of,
    table_of,
    worst_of,
)
from floe.kernel.outside_work import NO_TAKERS, Takers, wait_text
from floe.kernel.sentences import PARTS_MAX, first_parts, outcome_text
from floe.model.call import OutsideWork
from floe.model.codec import iso
from floe.model.flow import Flow, Node
from floe.model.ids import NO_ITEM, RunRef
from floe.model.passes import Passes
from floe.model.run import NodeState, Run
from floe.model.title import one_line
from floe.model.why import Why

REASON_MAX: Final = 300
"""Characters of the reason of one part."""


def why_judged(run: Run, takers: Takers = NO_TAKERS) -> Why:
    """The answer to `floe why` for a run of a judged flow that has not ended.

    `takers`: who may take outside work.
    """
    assert run.flow is not None, "the flow of an active run is attached"
    passes, flow = passes_of(run), run.flow
    if run.phase == "resting":
        return _why_resting(run, flow)
    found = ((node, _why_open(run.nodes.get(node.id), takers)) for node in flow.nodes)
    open_ = [(node, why) for node, why in found if why]
    waiting = {node.ref: (why,) for node, why in open_}
    parts = [f"{_named(node)}: {why}" for node, why in open_]
    if (owed := judgement(run)) is not None:
        about = dict.fromkeys(_named(flow.by_id[question.node]) for question in owed.asks)
        parts.append(f"the judgement of {first_parts([*about])}")
    pausing = f"{passes.pausing.by} pauses the run; " if passes.pausing else ""
    begun = f"pass {passes.number} " if passes.number > 1 else ""  # many runs have one pass only
    return Why(text=f"{pausing}{begun}waits for {first_parts(parts)}", waiting=waiting)


def _named(node: Node, item: int = NO_ITEM) -> str:
    """A node or an item of it, by the name that its dialect knows it by."""
    if node.name in ("", node.id):
        return part_text(node, item)
    return f"step {node.name}" + ("" if item == NO_ITEM else f"[{item}]")


def _why_open(state: NodeState | None, takers: Takers) -> str:
    match state:
        case None:
            return ""
        case NodeState(items=items) if items is not None and items.open:
            return f"{len(items.open)} of {len(items.values)} items"
        case NodeState(work=OutsideWork() as work, phase="entered" | "started"):
            return wait_text(state, work, takers)
        case NodeState(phase="started"):
            return f"running since {iso(state.started_at)}"
        case NodeState(phase="entered", items=None):
            return f"to be started since {iso(state.queued_at)}"
        case _:
            return ""


def _why_resting(run: Run, flow: Flow) -> Why:
    passes = passes_of(run)
    missing = [*missing_keys(passes)]
    waiting = {part_text(flow.by_id[node], item): keys for (node, item), keys in missing}
    awaited = [
        f"{_named(flow.by_id[node], item)} awaits "
        f"{', '.join(_awaited(passes, key) for key in keys[:PARTS_MAX])}"
        for (node, item), keys in missing
    ]
    after = f"after pass {passes.number}" if passes.number else "before its first pass"
    due = f"the next begins at {iso(passes.due)}" if passes.due is not None else ""
    is_alone = passes.paused_by or not (due or awaited)
    person = "a person begins the next" if is_alone else ""
    verdict = passes.verdict + (f" by {passes.paused_by}" if passes.paused_by else "")
    causes = one_line(passes.why, REASON_MAX) or first_parts([*_causes(run, flow)])
    rests = f"rests on {run.host} {after}: {verdict}" + (f" ({causes})" if causes else "")
    parts = [rests, *awaited, due or person]
    return Why(text="; ".join(filter(None, parts)), waiting=waiting)


def _causes(run: Run, flow: Flow) -> Iterator[str]:
    """The parts whose states decided how a run rests, but for those that await something."""
    verdict, rows = passes_of(run).verdict, table_of(run).by_name
    if verdict == table_of(run).passes_verdict and (worst := worst_of(run)) is not None:
        verdict = worst.verdict  # for which it would go on if it had passes left
    awaiting = {part for part, _ in missing_keys(passes_of(run))}
    for node, state in ((node, run.nodes.get(node.id)) for node in flow.nodes):
        if state is None:
            continue
        parts = [state]
        if state.items is not None and is_expanded(run, node.id):
            parts = [state.items.states[at] for at in sorted(state.items.parked)]
        for part in parts:
            is_cause = part.phase in LEFT and rows[part.state].verdict == verdict
            if is_cause and (node.id, part.item) not in awaiting:
                yield f"{_named(node, part.item)} is {_state_text(part)}"


def _state_text(state: NodeState) -> str:
    """The state of a part, with its reason."""
    reason = one_line(outcome_text(state.outcome), REASON_MAX) if state.outcome else ""
    return f"{state.state}: {reason}" if reason else state.state


def _awaited(passes: Passes, key: str) -> str:
    """What a key stands for: its child run, if there is one."""
    child = passes.children.get(key)
    return f"{key} of {RunRef.parse(child)}" if child else key
