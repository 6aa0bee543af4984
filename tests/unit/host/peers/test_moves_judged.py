"""Judged runs that moved outlive the loss of their host: people check what may have run since."""

from floe.host.inputs import Drain
from floe.host.rows import row_of
from floe.kernel.evolve import fold
from floe.kernel.judged.lane import judgement
from floe.model.codec import encode_event, to_text
from floe.model.event import GrantSuperseded, NodeEntered
from floe.model.ids import NodeId, RunRef
from floe.model.judging import Judged, NodeSet
from floe.model.nouns import replace
from floe.model.passes import PassBegan, RunRested
from floe.model.peer_message import Accepted
from floe.model.people import Resolve
from floe.store.base import Record
from tests.make import attached, exited
from tests.make_hosts import Host, Lose, a_host_core, carry, forget, later, met, phase
from tests.toy import judge
from tests.toy.reader import toy_flow
from tests.toy.run import opened

REST_MS = 5000
TASK = toy_flow("toy", ["a | idempotent", "b on a"])
"""Its second step has to run once."""


def three() -> tuple[Host, Host, Host]:
    """Three hosts that take any run."""
    h1, h2, h3 = met(*(a_host_core(id, peers=2) for id in ("h1", "h2", "h3")))
    return h1, h2, h3


def a_task(host: Host) -> RunRef:
    """A run that a host has opened, and that rests before its first pass."""
    ref = RunRef(host.id, host.store, 1)
    event = replace(opened(TASK, verdict="TODO"), host=host.id, store=host.store)
    body = to_text(encode_event(event))
    run = attached(fold(ref, [event]), TASK)
    host.logs[ref] = [Record(run=ref, epoch=1, seq=1, event=event, body=body)]
    host.flows[ref], host.directory[ref.key] = TASK, row_of(run, None)
    host.restart()
    return ref


def moved(lose: Lose) -> tuple[Host, Host, Host, RunRef]:
    """Three hosts, and a run that rests and that h1 gives to h2; some messages are lost."""
    h1, h2, h3 = three()
    ref = a_task(h1)
    later(2000, h1, h2, h3)
    carry(h1, h2, h3)
    h3.step(Drain(on=True))
    h1.step(Drain(on=True))
    carry(h1, h2, h3)
    h1.read_logs()
    carry(h1, h2, h3, lose=lose)
    h1.step(Drain(on=False))
    return h1, h2, h3, ref


def at_h2() -> tuple[Host, Host, Host, RunRef]:
    """The same without a loss."""
    h1, h2, h3, ref = moved(lambda _: False)
    assert phase(h2, ref) == "resting"
    return h1, h2, h3, ref


def work(host: Host, ref: RunRef) -> None:
    """Judge what a run owes, until it owes nothing."""
    while (ask := judgement(host.run(ref))) is not None:
        verdicts = judge.judged(host.run(ref), ask.asks, host.now)
        host.step(Judged(epoch=ask.epoch, seq=ask.seq, verdicts=verdicts), run=ref)


def a_pass(host: Host, ref: RunRef) -> None:
    """A person begins the first pass, in which the first step fails."""
    host.step(Resolve(by="alice", resolution="r1"), run=ref)
    work(host, ref)
    host.step(exited(host.run(ref), "a", 2), run=ref)
    work(host, ref)


def rested(*hosts: Host) -> None:
    """Let the runs of the hosts rest until their adopters have their logs."""
    later(REST_MS, *hosts)
    for host in hosts:
        host.read_logs()
    carry(*hosts)


def kinds(host: Host, ref: RunRef) -> list[type]:
    """The kinds of the events of a run that a host has."""
    return [type(event) for event in host.events(ref)]


def crashed(host: Host, ref: RunRef) -> list[NodeId]:
    """The nodes that people have to check."""
    events = host.events(ref)
    return [e.node for e in events if isinstance(e, NodeSet) and e.state == "CRASHED"]


def test_copy_of_a_judged_run_at_its_adopter_has_each_pass_that_is_over() -> None:
    h1, h2, h3, ref = at_h2()
    a_pass(h2, ref)

    rested(h1, h2, h3)

    assert kinds(h1, ref) == kinds(h2, ref)
    assert kinds(h1, ref)[-1] is RunRested


def test_judged_run_in_a_pass_reports_nothing() -> None:
    h1, h2, h3, ref = at_h2()
    rested(h1, h2, h3)
    h2.step(Resolve(by="alice", resolution="r1"), run=ref)
    later(REST_MS, h1, h2, h3)

    assert phase(h2, ref) == "active"
    assert h2.core.wanted_logs(h2.now) == []


def test_adopter_goes_on_with_a_judged_run_whose_host_is_lost() -> None:
    h1, h2, h3, ref = at_h2()
    a_pass(h2, ref)
    rested(h1, h2, h3)

    forget(h1, h2)

    assert (phase(h1, ref), h1.run(ref).host) == ("resting", h1.id)
    assert crashed(h1, ref) == ["b"]
    assert [e.verdict for e in h1.events(ref) if isinstance(e, RunRested)][-1] == "TO_CHECK"


def test_pass_that_the_adopter_does_not_know_runs_nothing_again_that_must_run_once() -> None:
    h1, h2, h3, ref = at_h2()
    rested(h1, h2, h3)
    a_pass(h2, ref)

    forget(h1, h2)
    h1.step(Resolve(by="alice", resolution="r2"), run=ref)
    work(h1, ref)

    assert [e.node for e in h1.events(ref) if isinstance(e, NodeEntered)] == ["a"]


def test_adopter_goes_on_with_a_judged_run_whose_acceptance_never_came() -> None:
    h1, h2, _, ref = moved(lambda envelope: isinstance(envelope.message, Accepted))
    assert phase(h1, ref) == "granted"

    forget(h1, h2)

    assert (phase(h1, ref), h1.run(ref).host, crashed(h1, ref)) == ("resting", h1.id, ["b"])


def test_host_that_was_forgotten_begins_no_pass_of_a_judged_run() -> None:
    h1, h2, h3, ref = at_h2()

    forget(h1, h2)
    later(2000, h1, h2, h3)
    carry(h1, h2, h3)
    h2.step(Resolve(by="alice", resolution="r1"), run=ref)

    assert GrantSuperseded in kinds(h2, ref)
    assert PassBegan not in kinds(h2, ref)


def test_adopter_that_was_forgotten_goes_on_with_nothing() -> None:
    h1, h2, h3, ref = at_h2()
    forget(h3, h1)
    later(2000, h1, h3)
    carry(h1, h3)

    forget(h1, h2)
    h1.step(Resolve(by="alice", resolution="r1"), run=ref)

    assert GrantSuperseded in kinds(h1, ref)
    assert PassBegan not in kinds(h1, ref)
