"""The rounds of loops: when the next one begins, and whether there may be one.

A tag that leads back to the head of a loop begins a round once all open nodes of the loop have
settled. What a round resets, and which tag it keeps, is logged as NodeReset.
"""

from collections.abc import Container, Iterator

from floe.model.event import NodeReset
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.loop import FlowLoop
from floe.model.nouns import dataclass, replace
from floe.model.run import NodeState, Run
from floe.model.tags import Tag, emitter_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRound:
    """The beginning of a round."""

    by: Tag
    """The tag that leads back; of several, the last to arrive."""
    heads: tuple[Node, ...]
    """The heads that enter by it."""
    again: tuple[NodeId, ...]
    """The nodes to reset: those of the loop, or the head alone if it has entered often enough."""


def next_round(run: Run, flow: Flow) -> LoopRound | None:
    """The round that begins now, if any."""
    for loop in flow.loops:
        if not (arrived := _led_back(run, flow, loop)):
            continue
        spent = [(tag, head) for tag, head in arrived if run.nodes[head.id].visit == head.loop]
        if spent:
            by, head = spent[-1]
            return LoopRound(by=by, heads=(head,), again=(head.id,))
        if run.open.isdisjoint(loop.nodes):
            by = arrived[-1][0]
            heads = tuple(head for tag, head in arrived if tag == by)
            return LoopRound(by=by, heads=heads, again=tuple(_reset(run, flow, loop)))
    return None


def reset_nodes(run: Run, event: NodeReset, seq: int) -> Run:
    """The run after nodes of a loop were reset; tags from outside these nodes keep standing."""
    again = {n: replace(run.nodes[n], phase="again") for n in event.nodes if n in run.nodes}
    gone = {tag for state in again.values() for tag in (state.tag, *state.tags)}
    gone |= {tag for tag in run.standing if emitter_of(tag) in again}
    return replace(
        run,
        seq=seq,
        nodes={**run.nodes, **again},
        open=frozenset(run.open) - again.keys(),
        standing={t: at for t, at in run.standing.items() if t == event.by or t not in gone},
    )


def comes_round(run: Run, flow: Flow, loop: FlowLoop, coming: Container[NodeId]) -> bool:
    """Whether a loop may begin another round: its nodes can enter again, and their tags come again.

    `coming`: the nodes that are open or may still enter.
    """
    heads = (flow.by_id[head] for head in loop.back)
    if all(head.id in run.nodes and run.nodes[head.id].visit >= head.loop for head in heads):
        return False
    return any(node in coming for node in loop.nodes)


def awaited_round(run: Run, flow: Flow, node: Node) -> tuple[NodeId, ...]:
    """The open nodes of its loop that a head waits for before it enters again, if it does."""
    for loop in flow.loops:
        if node.id in loop.back and any(head is node for _, head in _led_back(run, flow, loop)):
            return tuple(id for id in loop.nodes if id in run.open)
    return ()


def visit_text(state: NodeState, node: Node) -> str:
    """Which visit of a loop a node is at, in a sentence: `visit 2 of 3`; empty if once."""
    if node.loop:
        return f"visit {min(state.visit, node.loop)} of {node.loop}"
    return f"visit {state.visit}" if state.visit > 1 else ""


def spent_text(node: Node) -> str:
    """Why the head of a loop does not enter again: `went round 3 times`."""
    return f"went round {node.loop} times" if node.loop > 1 else "went round once"


def _reset(run: Run, flow: Flow, loop: FlowLoop) -> Iterator[NodeId]:
    """The nodes that settled in this round, but for a head that entered once too often."""
    for id in loop.nodes:
        state = run.nodes.get(id)
        if state is not None and state.phase == "settled" and not _is_over(state, flow.by_id[id]):
            yield id


def _is_over(state: NodeState, head: Node) -> bool:
    return bool(head.loop) and state.visit > head.loop


def _led_back(run: Run, flow: Flow, loop: FlowLoop) -> list[tuple[Tag, Node]]:
    """The tags that arrived at settled heads since those entered, by arrival, each with its head.

    None of a head that entered too often or in an earlier run: it never enters again.
    """
    arrived: list[tuple[int, Tag, Node]] = []
    for id, tags in loop.back.items():
        state = run.nodes.get(id)
        if state is None or state.phase != "settled" or state.taken_from:
            continue
        if _is_over(state, flow.by_id[id]):
            continue
        for tag in tags:
            at = run.standing.get(tag, 0)
            if at > state.woke:
                arrived.append((at, tag, flow.by_id[id]))
    return [(tag, head) for _, tag, head in sorted(arrived, key=lambda found: found[0])]
