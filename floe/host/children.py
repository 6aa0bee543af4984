"""Child runs of the runs of this host: each begins in the step in which its parent records it.

The host with a parent's pen adopts its children, so their ends come back to it.

Source: docs/cluster-protocol.md, "Child runs".
"""

from dataclasses import replace

from floe.host.inputs import Child
from floe.host.opening_inputs import OpenRun
from floe.host.openings import open_run, refusal
from floe.host.starts import is_sealed, start_run
from floe.host.step import Step
from floe.kernel.children import awaits_child, parent_of, refusal_of
from floe.kernel.judged.children import opening_fault, openings_of
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.run import Run
from floe.model.signal import Answered, ChildMade, Failed, FlowUnreadable, Reported


def pend_child(step: Step, child: Child) -> bool:
    """Pend a child run and record it in its parent; return whether anything changed.

    Nothing changes if the parent does not wait for it any more, or has it already.
    """
    key, start = child.key, child.start
    run = step.site.table.runs.get(key.run)
    work = awaits_child(run, key) if run else None
    if run is None or work is None or step.site.table.is_foreign(run):
        return False
    parent = parent_of(run, key, waits=work.wait)
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


def open_children(step: Step, run: Run, signal: Reported) -> Reported:
    """Open the child runs of an answer to a call; return the answer as it is to be recorded."""
    if not isinstance(signal.report, Answered) or not signal.report.opens:
        return signal
    openings = openings_of(run, signal)
    parent = parent_of(run, signal.key, waits=False)
    asked = [
        OpenRun(
            flow=one.flow,
            digest=one.digest,
            trigger=one.opening.trigger,
            values=one.opening.values,
            by=one.opening.by,
            title=one.opening.title,
            verdict=one.opening.verdict,
            due=one.opening.due,
            enters=one.opening.enters,
            parent=parent,
            sealed=run.sealed,
        )
        for one in openings
    ]
    faults = (refusal(step, one) for one in asked)
    if why := opening_fault(run, openings) or next(filter(None, faults), ""):
        return replace(signal, report=Failed(cause="error", why=why))
    opened = [open_run(step, one)[0].key for one in asked]
    keys = (one.key for one in openings)
    return replace(signal, opened=dict(zip(keys, opened, strict=True)))


def refused_flow(run: Run, flow: Flow) -> FlowUnreadable | None:
    """The end of a child here whose flow-file needs what a run above holds; None for others."""
    why = refusal_of(run.parent, flow) if run.parent else ""
    return FlowUnreadable(why=why) if why else None
