"""Child runs: pended with the record in their parent, and reported to it when they end."""

from dataclasses import replace

import pytest

from floe.host.core import HostCore
from floe.host.inputs import Child, FlowRead, Incoming, Start
from floe.model.children import ChildPended, SubFlow
from floe.model.codec import digest_of
from floe.model.event import NodeSettled, RunEnded, RunPended
from floe.model.flow import Flow, RunOutput
from floe.model.ids import FlowId, HostId, NodeId, RunRef
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.model.taken import RerunOf
from floe.model.template import plain_template
from tests.make import H1, STORE, a_flow, a_node, an_end, exited, the_key
from tests.make_core import a_core, a_start, begun, ended, events_of, stepped, to

DEPLOY = a_flow(a_node("build"), an_end(), id=FlowId("deploy"))
CHILD = RunRef(H1, STORE, 2)


def release(work: SubFlow | None = None, **others: object) -> Flow:
    """A flow with a task `go` that runs a flow, and an end."""
    go = a_node("go", work or SubFlow(flow="deploy"))
    return a_flow(go, an_end(on="task.go.good"), id=FlowId("release"), **others)


def a_child(parent: Run, flow: Flow = DEPLOY, **others: object) -> Incoming:
    """The child run of the task `go`, once the shell has found its flow."""
    [start] = [one.input for one in [a_start(flow, **others)] if isinstance(one.input, Start)]
    return Incoming(input=Child(key=the_key(parent, "go"), start=start))


def with_child(core: HostCore, work: SubFlow | None = None) -> Run:
    """A parent whose child is active."""
    [parent] = begun(core, release(work))
    stepped(core, a_child(parent))
    return core.table.runs[parent.ref]


def test_child_is_pended_in_the_append_of_its_record() -> None:
    core = a_core()
    [parent] = begun(core, release())

    decided = stepped(core, a_child(parent))

    kinds = [type(event) for event in events_of(decided)]
    assert (kinds[0], kinds[-1]) == (RunPended, ChildPended)
    assert [append.run for append in decided.appends] == [CHILD, parent.ref]
    child = core.table.runs[CHILD]
    assert child.parent is not None
    assert child.parent.key == str(the_key(parent, "go"))
    assert core.table.runs[parent.ref].nodes[NodeId("go")].child == CHILD.key


def test_attempt_gets_one_child_however_often_it_is_found() -> None:
    core = a_core()
    [parent] = begun(core, release())

    stepped(core, a_child(parent), a_child(parent))
    repeated = stepped(core, a_child(parent))

    assert len(core.table.runs) == 2
    assert repeated.appends == ()


def test_end_of_the_child_settles_its_attempt_in_the_same_append() -> None:
    core = a_core()
    parent = with_child(core)

    decided = ended(core, core.table.runs[CHILD])

    assert {append.run for append in decided.appends} == {CHILD, parent.ref}
    assert [e.good for e in events_of(decided) if isinstance(e, RunEnded)] == [True, True]


def test_child_that_fails_is_a_bad_event_of_its_parent() -> None:
    core = a_core()
    parent = with_child(core)

    run = core.table.runs[CHILD]
    stepped(core, to(run, exited(run, "build", 1)))

    over = core.table.runs[parent.ref]
    assert over.why == "go failed: h1-2 ended bad: build failed: exit status 1"


def test_child_goes_on_when_a_parent_that_did_not_wait_has_ended() -> None:
    core = a_core()

    parent = with_child(core, SubFlow(flow="deploy", wait=False))

    assert (parent.phase, core.table.runs[CHILD].phase) == ("ended", "active")
    assert events_of(ended(core, core.table.runs[CHILD]))[-1] == core_end(core)


def core_end(core: HostCore) -> RunEnded:
    """The end of the child, after which nothing else is recorded."""
    run = core.table.runs[CHILD]
    return RunEnded(at=run.ended_at or run.pended_at, good=True, why=run.why)


def test_parent_ends_when_its_cancelled_child_has_ended() -> None:
    core = a_core()
    parent = with_child(core)

    asked = stepped(core, to(parent, Cancel(by="bob")))
    waiting = core.table.runs[parent.ref].phase
    child = core.table.runs[CHILD]
    stepped(core, to(child, Cancel(by="its parent h1-1")))
    stepped(core, to(child, exited(core.table.runs[CHILD], "build", 143)))

    assert [type(effect).__name__ for effect in asked.effects] == ["StopChild"]
    assert (waiting, core.table.runs[parent.ref].phase) == ("ending", "ended")


def test_child_that_needs_what_its_parent_holds_is_an_error_at_once() -> None:
    core = a_core()
    [parent] = begun(core, release(resource_tags=("staging",)))

    decided = stepped(core, a_child(parent, replace(DEPLOY, resource_tags=("staging",))))

    [settled] = [e for e in events_of(decided) if isinstance(e, NodeSettled)]
    assert settled.outcome.why == "staging is held by its parent h1-1"
    assert list(core.table.runs) == [parent.ref]


def test_child_whose_flow_file_needs_what_its_parent_holds_ends_bad() -> None:
    core = a_core()
    [parent] = begun(core, release(resource_tags=("staging",)))
    stepped(core, a_child(parent, replace(DEPLOY, nodes=(), flow_file="x.yml")))
    read = replace(DEPLOY, resource_tags=("staging",))

    stepped(core, to(CHILD, FlowRead(flow=read, digest=digest_of(read), source="x.yml@1")))

    assert core.table.runs[CHILD].why == "staging is held by its parent h1-1"
    assert core.table.runs[parent.ref].good is False


def test_child_whose_earlier_run_was_just_removed_is_a_new_one() -> None:
    core = a_core()
    [parent] = begun(core, release())
    core.site.removed.put_newest("h1-9@k3f9", True, 1)
    old = a_child(parent, rerun_of=RerunOf(run="h1-9@k3f9"))

    decided = stepped(core, old)

    [pended] = [e for e in events_of(decided) if isinstance(e, ChildPended)]
    assert pended.why_new == "nothing of h1-9 is taken over: it was removed"
    assert core.table.runs[CHILD].rerun_of is None


@pytest.mark.parametrize("only", [H1, HostId("h9")])
def test_child_runs_on_its_host_alone(only: HostId) -> None:
    core = a_core()
    [parent] = begun(core, release())

    stepped(core, a_child(parent, only=only))

    assert core.table.runs[CHILD].phase == ("active" if only == H1 else "pending")


def test_step_that_was_not_stored_leaves_no_child() -> None:
    core = a_core()
    [parent] = begun(core, release())

    owed = core.undo(stepped(core, a_child(parent)))

    assert list(core.table.runs) == [parent.ref]
    assert [type(effect).__name__ for effect in owed] == ["PendChild"]


def test_outputs_of_the_child_are_outputs_of_its_task() -> None:
    url = RunOutput(id="url", value=plain_template("https://eu"))
    core = a_core()
    [parent] = begun(core, release())
    stepped(core, a_child(parent, replace(DEPLOY, outputs=(url,))))

    decided = ended(core, core.table.runs[CHILD])

    settled = [e for e in events_of(decided) if isinstance(e, NodeSettled) and e.node == "go"]
    assert [event.outputs for event in settled] == [{"url": "https://eu"}]
