"""The result of a run that is at rest: nothing is owed, running, armed or open.

Source: "How a run ends" in docs/kernel.md.
"""

from typing import Final

from floe.kernel.match import missing
from floe.kernel.result import failure_of, is_rejection
from floe.kernel.sentences import either, first_parts
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.nouns import dataclass
from floe.model.result import RunResult
from floe.model.run import Run
from floe.model.tags import Tag, emitter_of, label_of
from floe.model.work import End

_NOTHING: Final = "nothing is left to run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestVerdict:
    """Whether a run at rest was good, and the reason as a sentence."""

    good: bool
    result: RunResult
    why: str
    tag: Tag | None = None


def is_at_rest(run: Run) -> bool:
    """Whether an active run has no open node left."""
    return run.phase == "active" and not run.open


def rest_verdict(run: Run, flow: Flow) -> RestVerdict:
    """The verdict on a run at rest: its result, and why.

    Bad if no node listened to a bad event; rejected if all of these are rejections. Otherwise good
    if an end on a good tag was skipped and no node failed. Otherwise stalled if the flow has an end
    on a good tag that was not skipped, since reaching it would have ended the run. Otherwise good.
    """
    if unheard := unheard_bad(run, flow):
        why = first_parts([failure_of(run, flow, tag) for tag in unheard])
        is_rejected = all(is_rejection(run, tag) for tag in unheard)
        result: RunResult = "rejected" if is_rejected else "bad"
        return RestVerdict(good=False, result=result, why=why, tag=unheard[0])
    ends = [node for node in flow.nodes if _is_good_end(node, flow)]
    reasons = {end: reason for end in ends if (reason := skip_of(run, end.id))}
    if reasons and all(state.good for state in run.nodes.values()):
        why = first_parts([f"{end.ref} was skipped, since {why}" for end, why in reasons.items()])
        return RestVerdict(good=True, result="good", why=f"{_NOTHING}; {why}")
    if len(ends) > len(reasons):
        why = f"stalled: {first_parts(_never(run, flow))}"
        return RestVerdict(good=False, result="stalled", why=why)
    return RestVerdict(good=True, result="good", why=_NOTHING)


def unheard_bad(run: Run, flow: Flow) -> tuple[Tag, ...]:
    """The bad events of a run, at rest or not, that no `listen` or `wait` names, by entry."""
    settled = (s for s in run.nodes.values() if s.phase == "settled" and not s.good)
    return tuple(s.tag for s in settled if s.tag is not None and s.tag not in flow.hearers)


def never_entered(run: Run, flow: Flow) -> tuple[Node, ...]:
    """The nodes that have not entered in a run at rest, in document order."""
    return tuple(n for n in flow.nodes if n.id not in run.nodes)


def _never(run: Run, flow: Flow) -> list[str]:
    return [
        f"{n.ref} never heard {' and '.join(map(either, missing(run, n)))}"
        for n in never_entered(run, flow)
    ]


def skip_of(run: Run, node: NodeId) -> str:
    """Why a node was skipped in a run at rest, as the end of a sentence; empty if it was not."""
    state = run.nodes.get(node)
    return state.outcome.why if state and state.outcome and state.is_skipped else ""


def _is_good_end(node: Node, flow: Flow) -> bool:
    return isinstance(node.work, End) and any(_is_good(t, flow) for t in node.heard)


def _is_good(tag: Tag, flow: Flow) -> bool:
    return is_good_tag(tag, flow.by_id.get(emitter_of(tag) or NodeId("")))


def is_good_tag(tag: Tag, emitter: Node | None) -> bool:
    """Whether a tag counts as good for a run at rest: a node, or None for the trigger, ran well."""
    label = label_of(tag)
    if emitter is not None and label.isdecimal():
        return int(label) in emitter.good
    return label == "good"
