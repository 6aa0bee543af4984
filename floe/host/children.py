"""Child runs of the runs of this host: each is pended in the step in which its parent records it.

The host with a parent's pen adopts its children, so their ends come back to it.

Source: docs/cluster-protocol.md, "Child runs".
"""

from dataclasses import replace

from floe.host.inputs import Child
from floe.host.starts import is_sealed, start_run
from floe.host.step import Step
from floe.kernel.children import awaits_child, parent_of, refusal_of
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.run import Run
from floe.model.signal import ChildMade, Failed, FlowUnreadable, Reported


def pend_child(step: Step, child: Child) -> bool:
    """Pend a child run and record it in its parent; return whether anything changed.

    Nothing changes if the parent does not wait for it any more, or has it already.
    """
    key, start = child.key, child.start
    run = step.site.table.runs.get(key.run)
    work = awaits_child(run, key) if run else None
    if run is None or work is None or step.site.table.is_foreign(run):
        return False
    parent = parent_of(run, key, work)
    if why := refusal_of(parent, start.flow):
        failed = Failed(cause="error", why=why)
        step.decide(run, Reported(key=key, report=failed, at=step.now))
        return True
    start, why_new = replace(start, parent=parent, sealed=start.sealed or run.sealed), child.why_new
    if is_sealed(start) and (why := step.site.seals.problem()):
        failed = Failed(cause="error", why=f"the child run cannot be sealed: {why}")
        step.decide(run, Reported(key=key, report=failed, at=step.now))
        return True
    ref, _ = start_run(step, start)
    if ref is None:
        assert start.rerun_of is not None, "any other start has a run"
        earlier = step.site.named(RunRef.parse(start.rerun_of.run))
        why_new = f"nothing of {earlier} is taken over: it was removed"
        ref, _ = start_run(
            step, replace(start, rerun_of=None, taken=(), items_taken=(), children=())
        )
        assert ref is not None, "it repeats no run"
    step.decide(run, ChildMade(key=key, run=ref, why_new=why_new))
    return True


def refused_flow(run: Run, flow: Flow) -> FlowUnreadable | None:
    """The end of a child here whose flow-file needs what a run above holds; None for others."""
    why = refusal_of(run.parent, flow) if run.parent else ""
    return FlowUnreadable(why=why) if why else None
