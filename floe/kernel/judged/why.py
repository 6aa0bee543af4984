"""Explains what a run of a judged flow waits for: the pass, its open nodes, and what they await."""

from floe.kernel.judged.awaited import missing_keys
from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import part_text, passes_of
from floe.kernel.outside_work import wait_text
from floe.kernel.sentences import PARTS_MAX, first_parts
from floe.model.call import OutsideWork
from floe.model.codec import iso
from floe.model.flow import Flow, Node
from floe.model.ids import RunRef
from floe.model.passes import Passes
from floe.model.run import NodeState, Run
from floe.model.why import Why


def why_judged(run: Run) -> Why:
    """The answer to `floe why` for a run of a judged flow that has not ended."""
    assert run.flow is not None, "the flow of an active run is attached"
    passes, flow = passes_of(run), run.flow
    if run.phase == "resting":
        return _why_resting(run, flow)
    found = ((node, _why_open(run.nodes.get(node.id))) for node in flow.nodes)
    open_ = [(node, why) for node, why in found if why]
    waiting = {node.ref: (why,) for node, why in open_}
    parts = [f"{_named(node)}: {why}" for node, why in open_]
    if (owed := judgement(run)) is not None:
        about = dict.fromkeys(_named(flow.by_id[question.node]) for question in owed.asks)
        parts.append(f"the judgement of {first_parts([*about])}")
    pausing = f"{passes.pausing.by} pauses the run; " if passes.pausing else ""
    return Why(
        text=f"{pausing}pass {passes.number} waits for {first_parts(parts)}", waiting=waiting
    )


def _named(node: Node) -> str:
    """A node, with the name that its dialect knows it by."""
    return node.ref if node.name in ("", node.id) else f"{node.ref} ({node.name})"


def _why_open(state: NodeState | None) -> str:
    match state:
        case None:
            return ""
        case NodeState(items=items) if items is not None and items.open:
            return f"{len(items.open)} of {len(items.values)} items"
        case NodeState(work=OutsideWork(queue=queue), phase="entered" | "started"):
            return wait_text(state, queue)
        case NodeState(phase="started"):
            return f"running since {iso(state.started_at)}"
        case NodeState(phase="entered", items=None):
            return f"to be started since {iso(state.queued_at)}"
        case _:
            return ""


def _why_resting(run: Run, flow: Flow) -> Why:
    passes = passes_of(run)
    waiting = {
        part_text(flow.by_id[node], item): keys for (node, item), keys in missing_keys(passes)
    }
    awaited = [
        f"{ref} awaits {', '.join(_awaited(passes, key) for key in keys[:PARTS_MAX])}"
        for ref, keys in waiting.items()
    ]
    after = f"after pass {passes.number}" if passes.number else "before its first pass"
    due = f"the next begins at {iso(passes.due)}" if passes.due is not None else ""
    is_alone = passes.paused_by or not (due or awaited)
    person = "a person begins the next" if is_alone else ""
    verdict = passes.verdict + (f" by {passes.paused_by}" if passes.paused_by else "")
    parts = [f"rests on {run.host} {after}: {verdict}", *awaited, due or person]
    return Why(text="; ".join(filter(None, parts)), waiting=waiting)


def _awaited(passes: Passes, key: str) -> str:
    """What a key stands for: its child run, if there is one."""
    child = passes.children.get(key)
    return f"{key} of {RunRef.parse(child)}" if child else key
