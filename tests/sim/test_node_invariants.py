"""The invariants of nodes hold of runs that ended as they may."""

from floe.kernel.evolve import fold
from floe.model.event import Event
from floe.model.flow import Repeat
from floe.model.ids import Instant
from floe.model.signal import Abandon, Activate, Signal
from tests.make import (
    H1,
    NOW,
    REF,
    a_flow,
    a_granted,
    a_node,
    a_pended,
    an_end,
    attached,
    decided,
    stopped,
)
from tests.sim.node_invariants import repetition_settles_by_until, steps_of

REPEATED = a_flow(a_node("build", repeat=Repeat(until="status == 0", every_s=1.0, max=3)), an_end())


def test_repetition_of_a_run_that_a_forgotten_host_ends_settles_at_once() -> None:
    log: list[Event] = [a_pended(REPEATED), a_granted()]
    run = attached(fold(REF, log), REPEATED)

    def decide(signal: Signal) -> None:
        nonlocal run
        decision = decided(run, signal, Instant(NOW + 1))
        log.extend(decision.events)
        run = decision.run

    decide(Activate(host=H1, epoch=1, workspace="/w"))
    decide(Abandon(by="alice"))
    decide(stopped(run, "build"))

    assert run.phase == "ended"
    repetition_settles_by_until(REPEATED, steps_of(run, log))
