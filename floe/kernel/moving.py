"""Which runs may move to a different host, and the run after it moved.

A run may move while it only waits and has no file on its host: no process, no workspace, no output,
no child run that reports to this host, and no resource.

Source: docs/cluster-protocol.md, "Runs that move".
"""

from collections.abc import Iterator
from typing import Final

from floe.kernel.coming_tags import coming_nodes
from floe.kernel.open_children import has_child
from floe.kernel.process import has_process
from floe.kernel.sentences import first_parts
from floe.model.call import OutsideWork
from floe.model.children import SubFlow
from floe.model.ids import NodeId
from floe.model.moving import Resumed, RunResumed
from floe.model.nouns import replace
from floe.model.run import NodeState, Run
from floe.model.ssh import Ssh
from floe.model.work import Action, Exec, Fetch, GitCheckout, GitMerge

WITH_WORKSPACE: Final = (Exec, Fetch, GitCheckout, GitMerge, Ssh)
"""Actions whose attempts use the workspace of their run."""


def may_move(run: Run) -> bool:
    """Whether a run only waits and leaves nothing on its host."""
    waits = run.phase == "resting" or (run.phase == "active" and bool(run.open))
    return waits and not why_stays(run)


def why_stays(run: Run) -> str:
    """Why a run cannot move to a different host, as the end of a sentence; empty if it can."""
    if run.phase == "ending":
        return "is being stopped"
    return first_parts([*dict.fromkeys(_reasons(run))])


def outlives_host(run: Run) -> bool:
    """Whether a run that may move continues after the loss of its host, from a copy of its log.

    `run` is the copy: active, or granted to a host that was to continue it. The lost host may have
    continued the run after the last event of the copy. So commands may run again: a flow with
    `on-host-lost: fail` forbids that, unless it has none left. A run of a judged flow always
    continues: people check what may have run. Its copy is brought up to date while it rests.
    """
    if run.passes is not None:
        return run.phase == "resting"
    if run.flow is None or run.started_at is None:
        return False
    if not may_move(replace(run, phase="active")):
        return False
    if run.flow.on_host_lost == "restart":
        return True
    coming = coming_nodes(run, run.flow).values()
    return not any(isinstance(node.work, Action | SubFlow | OutsideWork) for node in coming)


def returned_run(run: Run, seq: int) -> Run:
    """The run without a host, with all that stands."""
    return replace(
        run,
        seq=seq,
        phase="pending",
        host=None,
        store=None,
        workspace="",
        fences={},
        resumed=None,
        why="",
    )


def resumed_run(run: Run, event: RunResumed, seq: int) -> Run:
    """The run on its next host, with all that stands."""
    return replace(
        run,
        seq=seq,
        phase="active" if run.passes is None else "resting",
        host=event.host,
        epoch=event.epoch,
        workspace=event.workspace,
        resumed=Resumed(seq, event.at),
    )


def _reasons(run: Run) -> Iterator[str]:
    if run.passes is not None and run.phase != "resting":
        yield "is in a pass"
    for node in run.nodes:
        if node in run.open:
            yield from _reasons_of(run, node)
    visits = (visit for node in run.nodes for visit in run.visits(node))
    if run.moved_from:
        yield "has the workspace of an earlier run"
    elif any(_has_files(visit) for visit in visits):
        yield "has files here"
    if run.sealed:
        yield "is sealed"
    if run.flow is not None and run.flow.resource_tags:
        yield f"holds {first_parts(run.flow.resource_tags)}"
    if run.group:
        yield "counts for max-runs"


def _reasons_of(run: Run, node: NodeId) -> Iterator[str]:
    state = run.nodes[node]
    name = run.flow.by_id[node].ref if run.flow else node
    if has_process(state):
        yield f"runs {name}"
    if has_child(state):
        yield f"waits for a child run of {name}, which reports to this host"
    elif isinstance(state.work, OutsideWork):
        yield f"offers {name} to programs that ask this host"
    elif isinstance(state.work, SubFlow) and state.phase == "entered":
        yield f"starts a child run of {name}"


def _has_files(visit: NodeState) -> bool:
    """Whether an attempt of a visit, or of an item of it, may have left a file on its host."""
    parts = (part for part in visit.parts() if part.items is None and not part.taken_from)
    return any(
        isinstance(part.work, WITH_WORKSPACE)
        or part.output_bytes
        or any(one.output_bytes for one in part.attempts)
        for part in parts
    )
