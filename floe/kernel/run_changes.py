"""The run after an event that changes it as a whole: pended, revoked, superseded."""

from floe.kernel.moving import returned_run
from floe.kernel.process import has_process
from floe.kernel.result import result_of
from floe.kernel.shared import with_item
from floe.model.event import GrantReturned, GrantRevoked, GrantSuperseded, RunEnding, RunPended
from floe.model.ids import RunRef
from floe.model.nouns import replace
from floe.model.result import RunResult
from floe.model.run import NodeState, Run
from floe.model.summary import WENT_ON


def result_in(run: Run, event: RunEnding) -> RunResult:
    """The result that an event of floe 0.1 leaves out."""
    return result_of(run, good=event.good, why=event.why, tag=event.tag)


def pended_run(ref: RunRef, event: RunPended) -> Run:
    """The run that begins with an event."""
    return Run(
        ref=ref,
        flow_id=event.flow,
        ver=event.ver,
        digest=event.digest,
        phase="reading" if event.digest is None else "pending",
        seq=1,
        trigger=event.trigger,
        values=event.values,
        by=event.by,
        title=event.title,
        group=event.group,
        pended_at=event.at,
        rerun_of=event.rerun_of,
        taken=event.taken,
        items_taken=event.items_taken,
        children_again={(one.node, one.item): one.run for one in event.children},
        parent=event.parent,
        only=event.only,
        sealed=event.sealed,
    )


def revoked_run(run: Run, event: GrantRevoked, seq: int) -> Run:
    """Take a new epoch for the adopter: the lost host may have continued under the old one, and the
    copy of a run with the higher (epoch, seq) wins."""
    left = returned_run(run, seq) if event.keeps else unhosted_run(run)
    return replace(
        left,
        seq=seq,
        phase="pending",
        epoch=max(run.epoch, event.epoch + 1),
        revoked=run.revoked + 1,
    )


def refused_run(run: Run, event: GrantReturned, seq: int) -> Run:
    """The run after a host refused it: a run that had begun keeps what stands."""
    left = unhosted_run(run) if run.started_at is None else returned_run(run, seq)
    return replace(left, seq=seq, phase="pending", why=event.why)


def superseded_run(run: Run, event: GrantSuperseded, seq: int) -> Run:
    """End this branch of the log; only the processes that still run here are stopped."""
    running = frozenset(n for n in run.open if has_process(run.nodes[n]))
    nodes = run.nodes
    for node in running:
        nodes = with_item(nodes, node, _with_processes(nodes[node]))
    return replace(
        run,
        seq=seq,
        phase="ending" if running else "ended",
        nodes=nodes,
        open=running,
        good=False,
        result="cancelled" if event.by else "bad",
        cancelled_by=event.by or run.cancelled_by,
        why=event.why or WENT_ON,
        superseded=run.seq,
        ending_at=event.at,
        ended_at=None if running else event.at,
    )


def _with_processes(state: NodeState) -> NodeState:
    """A node, open for those of its items that run."""
    items = state.items
    if items is None:
        return state
    running = frozenset(item for item in items.open if has_process(items.states[item]))
    return replace(state, items=replace(items, open=running))


def unhosted_run(run: Run) -> Run:
    """The run without any effect of a host."""
    return replace(
        run,
        host=None,
        store=None,
        workspace="",
        moved_from="",
        fences={},
        nodes={},
        earlier={},
        open=frozenset(),
        standing={},
        started_at=None,
        resumed=None,
        why="",
    )
