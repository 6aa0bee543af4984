"""Runs that are asleep move too when their host drains."""

from floe.host.inputs import Drain
from floe.kernel.evolve import fold
from floe.model.event import GrantSuperseded, RunPacked
from floe.model.ids import RunRef
from floe.model.nouns import replace
from floe.model.passes import RunOpened
from floe.model.people import Resolve
from floe.model.run import Run
from tests.make import H1, attached
from tests.make_children import open_judged
from tests.make_core import to
from tests.make_hosts import Host, a_host_core, carry, forget, later, met
from tests.toy.reader import toy_flow
from tests.toy.run import opened

FLOW = toy_flow("toy", ["a"])


def at_h1() -> tuple[Host, Host, Run]:
    """h1 with a run that is asleep, and h2."""
    h1, h2 = met(a_host_core("h1", peers=1), a_host_core("h2", peers=1))
    first = replace(opened(FLOW, verdict="TODO"), store=h1.store)
    run = attached(fold(RunRef(H1, h1.store, 1), [first]), FLOW)
    h1.core.wake(run.ref, run)
    assert h1.core.let_sleep(run.ref)
    return h1, h2, run


def test_host_that_drains_reads_the_logs_of_runs_that_are_asleep() -> None:
    h1, h2, run = at_h1()

    h1.step(Drain(on=True))
    carry(h1, h2)

    assert [*h1.core.wanted_logs(h1.now)] == [run.ref]
    assert (run.ref, "moves to a different host") in [*h1.core.staying(h1.now)]


def test_run_that_was_woken_to_move_does_not_fall_asleep_again() -> None:
    h1, _, run = at_h1()
    h1.step(Drain(on=True))

    h1.core.wake(run.ref, run)

    assert not h1.core.let_sleep(run.ref)


def test_run_that_slept_while_its_host_was_forgotten_begins_no_pass() -> None:
    h1, h2, run = at_h1()
    forget(h2, h1)
    later(2000, h1, h2)
    carry(h1, h2)
    h1.core.wake(run.ref, run)

    decided = h1.core.step([to(run, Resolve(by="alice", resolution="r1"))], h1.now)

    events = [step.record.event for step in decided.recorded]
    assert [type(event) for event in events if not isinstance(event, RunPacked)] == [
        GrantSuperseded
    ]


def test_run_that_slept_begins_no_pass_either_if_its_forgotten_host_starts_again() -> None:
    h1, h2, _ = at_h1()
    ref = open_judged(h1, verdict="TODO")
    assert h1.core.let_sleep(ref)
    forget(h2, h1)
    later(2000, h1, h2)
    carry(h1, h2)

    h1.restart()
    h1.step(Resolve(by="alice", resolution="r1"), run=ref)

    events = [type(event) for event in h1.events(ref)]
    assert events == [RunOpened, GrantSuperseded]
