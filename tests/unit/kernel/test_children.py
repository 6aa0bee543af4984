"""Which child runs may begin, and how they are cancelled."""

from dataclasses import replace

from floe.kernel.children import (
    DEPTH_MAX,
    awaits_child,
    cancel_of,
    cancel_of_orphan,
    parent_of,
    refusal_of,
)
from floe.model.children import Above, Parent, SubFlow
from floe.model.ids import FlowId, RunRef
from floe.model.run import Run
from floe.model.signal import Cancel, ChildMade, TimerFired
from tests.make import H1, REF, STORE, a_flow, a_node, a_run, after, the_key

DEPLOY = SubFlow(flow="deploy")
CHILD = RunRef(H1, STORE, 2)
BELOW = a_flow(id=FlowId("deploy"), resource_tags=("staging",))


def a_parent(work: SubFlow = DEPLOY, *, holds: tuple[str, ...] = ()) -> Run:
    """A run with a task `go` that owes a child run."""
    node = a_node("go", work, timeout_s=60.0)
    return a_run(a_flow(node, id=FlowId("release"), resource_tags=holds))


def above(parent: Run, work: SubFlow = DEPLOY) -> Parent:
    """What a child of the task `go` knows of the runs above it."""
    return parent_of(parent, the_key(parent, "go"), waits=work.wait)


def test_child_names_the_attempt_and_what_its_parent_holds() -> None:
    parent = a_parent(holds=("staging", "host:usb"))

    assert above(parent) == Parent(
        key=f"{REF.key}.1.go.1.1",
        waits=True,
        above=(Above(run=REF.key, flow=FlowId("release"), holds=("staging",)),),
    )


def test_child_knows_all_runs_above_it() -> None:
    parent = a_parent()
    top = Above(run="h1-7@k3f9", flow=FlowId("top"), holds=("staging",))
    nested = replace(parent, parent=Parent(key="", waits=True, above=(top,)))

    assert [one.flow for one in above(nested).above] == ["release", "top"]


def test_child_is_refused_a_resource_that_its_parent_holds() -> None:
    parent = above(a_parent(holds=("staging",)))

    assert refusal_of(parent, BELOW) == "staging is held by its parent h1-1"


def test_child_is_refused_a_resource_that_a_run_above_its_parent_holds() -> None:
    top = Above(run="h1-7@k3f9", flow=FlowId("top"), holds=("staging",))
    parent = replace(above(a_parent()), above=(*above(a_parent()).above, top))

    assert refusal_of(parent, BELOW) == "staging is held by h1-7 above it"


def test_child_that_nobody_waits_for_may_wait_for_the_resources_of_its_parent() -> None:
    work = SubFlow(flow="deploy", wait=False)

    assert refusal_of(above(a_parent(work, holds=("staging",)), work), BELOW) == ""


def test_flow_is_refused_below_a_run_of_itself() -> None:
    release = a_flow(id=FlowId("release"))

    refusal = refusal_of(above(a_parent()), release)

    assert refusal == "release would run below itself: its parent h1-1 is a run of it"


def test_child_runs_are_nested_to_a_depth() -> None:
    def chain(count: int) -> Parent:
        runs = tuple(Above(run=f"h1-{n}@k3f9", flow=FlowId(f"f{n}")) for n in range(1, count + 1))
        return Parent(key="", waits=False, above=runs)

    assert refusal_of(chain(DEPTH_MAX), BELOW) == ""
    assert refusal_of(chain(DEPTH_MAX + 1), BELOW).startswith("more than 8 runs would be above it")


def test_attempt_awaits_its_child_until_it_has_one() -> None:
    parent = a_parent()
    key = the_key(parent, "go")

    assert awaits_child(parent, key) == DEPLOY
    assert awaits_child(after(parent, ChildMade(key=key, run=CHILD)), key) is None


def test_task_of_a_different_type_awaits_no_child() -> None:
    run = a_run()

    assert awaits_child(run, the_key(run, "build")) is None


def test_cancel_of_a_child_gives_the_reason_of_its_parent() -> None:
    parent = a_parent()
    key = the_key(parent, "go")
    ending = after(parent, ChildMade(key=key, run=CHILD), Cancel(by="bob", why="wrong one"))

    assert cancel_of(ending, key) == Cancel(by="its parent h1-1", why="cancelled by bob: wrong one")


def test_cancel_of_a_child_whose_time_is_over_says_so() -> None:
    parent = a_parent()
    key = the_key(parent, "go")
    late = after(parent, ChildMade(key=key, run=CHILD), TimerFired(key=key, kind="child"))

    assert cancel_of(late, key) == Cancel(by="its parent h1-1", why="go timed out")


def test_child_whose_parent_is_lost_is_cancelled_if_its_parent_waited_for_it() -> None:
    waited, free = above(a_parent()), above(a_parent(), SubFlow(flow="deploy", wait=False))

    cancels = [cancel_of_orphan(replace(a_run(), parent=one)) for one in (waited, free, None)]

    assert cancels == [Cancel(by="its parent h1-1", why="lost with host h1"), None, None]
