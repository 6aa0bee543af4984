"""Runs that only wait move when their host drains, and outlive it."""

from dataclasses import replace

import pytest

from floe.host.inputs import Drain, LogRead
from floe.host.peers.facts import fact_of
from floe.model.event import (
    GrantRevoked,
    NodeSettled,
    RunActivated,
    RunEnded,
    RunGranted,
)
from floe.model.flow import Flow
from floe.model.ids import HostId, RunRef
from floe.model.moving import RunResumed, RunReturned
from floe.model.peer_message import (
    Accepted,
    Envelope,
    Offer,
    Refused,
    Rested,
    Returned,
    ReturnedStored,
)
from floe.model.signal import Cancel, DataGiven
from tests.make import a_flow, a_form, a_node, a_timer
from tests.make_hosts import Host, a_host_core, carry, forget, later, met, of, phase, read_late

REST_MS = 5000
GPU = frozenset({"gpu"})
FORM = a_flow(a_form(), host_tags=("gpu",))
DEPLOY = a_flow(
    a_form(), a_node("ship", on="task.sign-off.good"), host_tags=("gpu",), on_host_lost="restart"
)
ANSWER = DataGiven(node=FORM.nodes[0].id, values={}, good=True, by="bob")


def three() -> tuple[Host, Host, Host]:
    """h1, and h2 and h3 with the tag that the runs need."""
    h1, h2, h3 = met(
        a_host_core("h1", peers=2),
        a_host_core("h2", peers=2, tags=GPU),
        a_host_core("h3", peers=2, tags=GPU),
    )
    return h1, h2, h3


def at_h2(flow: Flow = FORM) -> tuple[Host, Host, Host, RunRef]:
    """The same with a run of h1 that rests at h2."""
    h1, h2, h3 = three()
    ref = h1.start(flow)
    carry(h1, h2, h3)
    assert phase(h2, ref) == "active"
    return h1, h2, h3, ref


def kinds(host: Host, ref: RunRef) -> list[type]:
    """The kinds of the events of a run that a host has."""
    return [type(event) for event in host.events(ref)]


def drain(host: Host, *others: Host) -> None:
    """Drain a host, and let its runs move."""
    host.step(Drain(on=True))
    carry(host, *others)
    host.read_logs()


def test_run_that_rests_moves_when_its_host_drains() -> None:
    h1, h2, h3, ref = at_h2()

    drain(h2, h1, h3)
    carry(h1, h2, h3)

    assert phase(h3, ref) == "active"
    assert phase(h2, ref) == "gone"
    assert kinds(h3, ref)[-3:] == [RunReturned, RunGranted, RunResumed]


def test_run_that_moved_ends_once_with_what_it_did_before() -> None:
    flow = a_flow(a_form(), a_timer(), host_tags=("gpu",))
    h1, h2, h3, ref = at_h2(flow)
    h2.step(ANSWER, run=ref)
    drain(h2, h1, h3)
    carry(h1, h2, h3)

    state = h3.run(ref).nodes[FORM.nodes[0].id]

    assert state.by == "bob"
    assert kinds(h3, ref).count(NodeSettled) == 1


def test_copies_of_a_run_that_moved_are_prefixes_of_the_log() -> None:
    h1, h2, h3, ref = at_h2()

    drain(h2, h1, h3)
    carry(h1, h2, h3)

    assert h3.logs[ref][: len(h2.logs[ref])] == h2.logs[ref]
    assert h3.logs[ref] == h1.logs[ref]


def test_draining_adopter_grants_its_runs_to_others() -> None:
    h1, h2, h3 = three()
    ref = h2.start(FORM)
    carry(h1, h2, h3)

    drain(h2, h1, h3)
    carry(h1, h2, h3)

    assert phase(h3, ref) == "active"
    assert h2.logs[ref] == h3.logs[ref]


def test_form_is_not_answered_where_the_run_was_returned() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)

    assert not h2.step(ANSWER, run=ref, ticket=1).replies[0].changed


def test_form_is_answered_where_the_run_moved_to() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    carry(h1, h2, h3)

    h3.step(ANSWER, run=ref)

    assert kinds(h3, ref).count(RunEnded) == 1


@pytest.mark.parametrize("kind", [Returned, ReturnedStored, Offer, Accepted])
def test_run_moves_although_a_message_is_lost(kind: type) -> None:
    h1, h2, h3, ref = at_h2()
    lost: list[Envelope] = []

    def lose(envelope: Envelope) -> bool:
        if isinstance(envelope.message, kind) and not lost:
            lost.append(envelope)
            return True
        return False

    drain(h2, h1, h3)
    carry(h1, h2, h3, lose=lose)
    later(300, h1, h2, h3)
    carry(h1, h2, h3)

    assert lost
    assert phase(h3, ref) == "active"
    assert h2.rows("owed") == {}


@pytest.mark.parametrize("restarts", ["h1", "h2"])
def test_run_moves_although_a_host_restarts_before_the_acknowledgement(restarts: str) -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    h2.sent.clear()  # the first Returned is lost
    host = {"h1": h1, "h2": h2}[restarts]

    host.restart()
    later(2000, h1, h2, h3)
    carry(h1, h2, h3)

    assert phase(h3, ref) == "active"
    assert kinds(h3, ref).count(RunReturned) == 1


def test_run_that_was_returned_is_not_read_by_the_next_start() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    carry(h1, h2, h3)

    h2.restart()

    assert phase(h2, ref) == "gone"


def test_late_offer_of_a_returned_run_is_answered_by_its_return() -> None:
    h1, h2, h3 = three()
    offers: list[Envelope] = []

    def keep(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Offer):
            offers.append(envelope)
        return isinstance(envelope.message, Accepted)

    ref = h1.start(FORM)
    carry(h1, h2, h3, lose=keep)
    drain(h2, h1, h3)
    h2.sent.clear()

    h2.hear(offers[0])
    said = carry(h1, h2, h3)

    assert of(said, Returned)
    assert not of(said, Refused)
    assert phase(h3, ref) == "active"
    assert kinds(h3, ref).count(RunActivated) == 1


def test_late_offer_of_a_run_that_moved_on_is_refused() -> None:
    h1, h2, h3 = three()
    offers: list[Envelope] = []

    def keep(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Offer) and not offers:
            offers.append(envelope)
        return False

    h1.start(FORM)
    carry(h1, h2, h3, lose=keep)
    drain(h2, h1, h3)
    carry(h1, h2, h3)
    h2.step(Drain(on=False))
    carry(h1, h2, h3)

    h2.hear(offers[0])

    assert of([e.message for e in h2.sent], Refused)


def test_run_comes_back_to_the_host_that_returned_it() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    carry(h1, h2, h3)
    h2.step(Drain(on=False))
    carry(h1, h2, h3)

    drain(h3, h1, h2)
    carry(h1, h2, h3)

    assert phase(h2, ref) == "active"
    assert h2.rows("returned") == {}
    assert h2.logs[ref] == h1.logs[ref]


def test_refusal_of_a_run_that_came_back_lasts() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    carry(h1, h2, h3)
    h2.step(Drain(on=False))
    carry(h1, h2, h3)
    drain(h3, h1, h2)
    offers: list[Envelope] = []

    def keep(envelope: Envelope) -> bool:
        offers.extend([envelope] if isinstance(envelope.message, Offer) else [])
        return isinstance(envelope.message, Offer)

    carry(h1, h2, h3, lose=keep)
    h2.step(Drain(on=True))
    h2.hear(offers[0])
    h2.restart()

    h2.hear(offers[0])

    assert of([e.message for e in h2.sent], Refused)
    assert phase(h2, ref) == "gone"
    assert kinds(h2, ref)[-1] is RunReturned


def test_offer_with_fewer_events_than_were_returned_is_refused() -> None:
    h1, h2, h3 = three()
    kept: list[Envelope] = []

    def keep(envelope: Envelope) -> bool:
        kept.extend([envelope] if isinstance(envelope.message, Offer) else [])
        return False

    ref = h1.start(FORM)
    carry(h1, h2, h3, lose=keep)
    drain(h2, h1, h3)
    carry(h1, h2, h3)
    h2.step(Drain(on=False))
    [offer, *_] = of([e.message for e in kept], Offer)
    pended, granted = offer.facts
    body = granted.body.replace('"epoch":1', '"epoch":7')
    facts = (pended, replace(granted, epoch=7, body=body))

    h2.hear(replace(kept[0], message=replace(offer, epoch=7, facts=facts)))

    [refused] = of([e.message for e in h2.sent], Refused)
    assert refused.why == "cannot continue this run: it returned more events than it was offered"
    assert phase(h2, ref) == "gone"


def test_cancel_on_the_way_ends_the_run_at_its_adopter() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    h1.step(Cancel(by="alice"), run=ref)

    carry(h1, h2, h3)

    assert kinds(h1, ref).count(RunEnded) == 1
    assert phase(h3, ref) == "gone"


def why(host: Host, ref: RunRef) -> str:
    """Why a run stays on a host."""
    return dict(host.core.staying(host.now))[ref]


def test_run_without_a_host_to_go_to_stays() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=GPU))
    ref = h1.start(FORM)
    carry(h1, h2)

    drain(h2, h1)
    carry(h1, h2)

    assert phase(h2, ref) == "active"
    assert why(h2, ref) == "has nowhere to go: h1 lacks the tag gpu (it has none)"


def test_run_of_a_silent_adopter_stays() -> None:
    h1, h2, h3, ref = at_h2()
    later(11_000, h1, h2, h3)
    carry(h2, h3)

    drain(h2, h3)

    assert phase(h2, ref) == "active"
    assert why(h2, ref) == "was adopted by h1, which does not answer"


def test_run_of_a_forgotten_adopter_stays() -> None:
    h1, h2, h3, ref = at_h2()
    forget(h2, h1)

    drain(h2, h3)

    assert phase(h2, ref) == "active"
    assert why(h2, ref) == "was adopted by h1, which was forgotten"


def test_run_with_a_command_stays() -> None:
    flow = a_flow(a_node(), host_tags=("gpu",))
    h1, h2, h3, ref = at_h2(flow)

    drain(h2, h1, h3)

    assert phase(h2, ref) == "active"
    assert why(h2, ref) == "runs task.build; has files here"


def test_single_host_names_what_is_left() -> None:
    host = a_host_core("h1", peers=0)
    ref = host.start(a_flow(a_form()))
    host.settle()

    assert why(host, ref) == "has nowhere to go: there is no other host"


def test_draining_host_names_the_run_that_is_on_its_way() -> None:
    h1, h2, h3, ref = at_h2()
    h2.step(Drain(on=True))
    carry(h1, h2, h3)
    before = why(h2, ref)
    h2.read_logs()

    after = why(h2, ref)

    assert (before, after) == ("moves to a different host", "is being returned to h1")


def test_log_that_is_too_long_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    h1, h2, h3, ref = at_h2()
    monkeypatch.setattr("floe.host.peers.moves.LOG_BYTES_MAX", 10)

    drain(h2, h1, h3)

    assert phase(h2, ref) == "active"
    assert why(h2, ref) == "has a log that is too long to move"


def test_log_that_was_read_before_the_last_event_changes_nothing() -> None:
    _h1, h2, _h3, ref = at_h2(a_flow(a_form(), a_timer(), host_tags=("gpu",)))
    old = LogRead(facts=tuple(map(fact_of, h2.logs[ref])))
    h2.step(Drain(on=True))
    h2.step(ANSWER, run=ref)

    h2.step(old, run=ref)

    assert phase(h2, ref) == "active"


def test_returned_run_of_an_adopter_that_is_forgotten_is_not_returned_any_more() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)

    forget(h2, h1)

    assert phase(h2, ref) == "gone"
    assert h2.rows("owed") == {}


# --- the loss of a host ---


def rested(*hosts: Host) -> None:
    """Let the runs of hosts wait until they report that."""
    later(REST_MS, *hosts)
    carry(*hosts)
    for host in hosts:
        host.read_logs()
    carry(*hosts)


def test_run_that_rests_outlives_its_host() -> None:
    h1, h2, h3, ref = at_h2(DEPLOY)
    rested(h1, h2, h3)

    forget(h1, h2)
    carry(h1, h3)
    h3.step(ANSWER, run=ref)

    assert phase(h3, ref) == "active"
    assert kinds(h3, ref).count(RunActivated) == 1
    assert [e.keeps for e in h3.events(ref) if isinstance(e, GrantRevoked)] == [True]


def test_run_that_never_reported_begins_again_after_the_loss_of_its_host() -> None:
    h1, h2, _, ref = at_h2(DEPLOY)

    forget(h1, h2)

    assert [e.keeps for e in h1.events(ref) if isinstance(e, GrantRevoked)] == [False]


def test_run_that_does_not_outlive_its_host_reports_nothing() -> None:
    flow = a_flow(a_form(), a_node("ship", on="task.sign-off.good"), host_tags=("gpu",))
    h1, h2, h3, _ = at_h2(flow)
    later(REST_MS, h1, h2, h3)

    assert h2.core.wanted_logs(h2.now) == []


def test_run_that_waits_briefly_reports_nothing() -> None:
    h1, h2, h3, _ = at_h2(DEPLOY)
    later(REST_MS - 1, h1, h2, h3)

    assert h2.core.wanted_logs(h2.now) == []


def test_report_waits_until_no_power_failure_can_take_what_it_reports() -> None:
    h1, h2, h3, ref = at_h2(DEPLOY)
    later(REST_MS, h1, h2, h3)

    decided = h2.step(LogRead(facts=tuple(map(fact_of, h2.logs[ref]))), run=ref)

    assert [type(envelope.message) for envelope in decided.messages] == [Rested]
    assert decided.promise


def test_report_is_repeated_until_it_is_stored_and_then_not_any_more() -> None:
    h1, h2, h3, _ = at_h2(DEPLOY)
    later(REST_MS, h1, h2, h3)
    h2.read_logs()
    carry(h1, h2, h3, lose=lambda envelope: isinstance(envelope.message, Rested))
    later(300, h1, h2, h3)
    again = of(carry(h1, h2, h3), Rested)
    later(10_000, h1, h2, h3)

    assert len(again) == 1
    assert not of(carry(h1, h2, h3), Rested)


def test_run_that_rests_is_reported_once_it_can_be_read() -> None:
    h1, h2, h3, ref = at_h2(DEPLOY)

    read_late(h2, ref, h1, h3)
    h2.read_logs()

    assert of(carry(h1, h2, h3), Rested)


def test_report_before_the_acceptance_counts_as_one() -> None:
    h1, h2, h3 = three()
    ref = h1.start(DEPLOY)
    carry(h1, h2, h3, lose=lambda envelope: isinstance(envelope.message, Accepted))
    later(REST_MS, h2)
    h2.read_logs()

    carry(h1, h2, h3)

    assert h1.run(ref).phase == "active"
    assert h1.run(ref).host == HostId("h2")
    assert h1.logs[ref] == h2.logs[ref]
