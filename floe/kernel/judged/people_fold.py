"""The run of a judged flow after a person started it over or edited it."""

from collections.abc import Iterable

from floe.kernel.judged.awaited import with_waiting
from floe.kernel.judged.node_fold import without_tags
from floe.model.ids import NodeId
from floe.model.nouns import replace
from floe.model.passes import Passes
from floe.model.people import RunEdited
from floe.model.run import Run


def restarted(run: Run, passes: Passes, seq: int) -> Run:
    """The run as before its first pass, with its values and its notes."""
    changed = _without(run, run.nodes)
    return replace(changed, seq=seq, passes=Passes(base=seq, notes=passes.notes))


def edited(run: Run, passes: Passes, event: RunEdited, seq: int) -> Run:
    """The run with a different flow or different values, and without the state of some nodes."""
    changed = _without(run, event.gone)
    gone = frozenset(event.gone)
    for part in [part for part in passes.waiting if part[0] in gone]:
        passes = with_waiting(passes, part, ())
    return replace(
        changed,
        seq=seq,
        digest=event.digest,
        flow=event.flow or run.flow,
        values=run.values if event.values is None else event.values,
        passes=replace(passes, base=seq),
    )


def _without(run: Run, nodes: Iterable[NodeId]) -> Run:
    """The run without the state and the tags of some nodes.

    Visits with attempts stay among the earlier ones: no later attempt has the name of one of them.
    """
    gone = tuple(nodes)
    earlier = dict(run.earlier)
    for node in gone:
        if run.nodes[node].attempt:
            earlier[node] = run.visits(node)
        run = replace(run, standing=without_tags(run, node))
    return replace(
        run,
        nodes={node: state for node, state in run.nodes.items() if node not in gone},
        earlier=earlier,
        open=frozenset(run.open).difference(gone),
    )
