"""The hand-over of a run: offers, answers, withdrawals, ends, and what restarts make of them."""

from typing import Any

from floe.host.inputs import Incoming, Packed, Received
from floe.model.event import GrantReturned, RunActivated, RunEnded, RunGranted
from floe.model.message import Accepted, EndedStored, Envelope, Offer, Refused, Withdraw
from floe.model.refs import HostId
from floe.model.signal import Cancel
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, carry, later, met, of

GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))


def two(**others: Any) -> tuple[Host, Host]:
    """h1 without the tag that h2 has."""
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"}), **others))
    return h1, h2


def test_run_goes_to_the_host_that_has_its_tags_and_its_end_comes_back() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)

    carry(h1, h2)
    at_h1 = h1.run(ref)
    h2.ended(ref)
    said = carry(h1, h2)

    assert (at_h1.phase, at_h1.host) == ("active", HostId("h2"))
    assert h1.logs[ref] == h2.logs[ref][:3]
    assert [type(e) for e in h1.events(ref)][1:] == [RunGranted, RunActivated]
    assert isinstance(h2.events(ref)[-1], RunEnded)
    assert (h1.directory[ref.key].state, h1.directory[ref.key].good) == ("archive", True)
    assert ref not in h1.core.table.runs
    assert of(said, EndedStored)
    assert h2.rows("owed") == {}


def test_offer_that_is_lost_is_said_again_until_it_is_answered() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Offer))

    later(200, h1, h2)
    said = carry(h1, h2)
    later(10_000, h1, h2)
    after = carry(h1, h2)

    assert len(of(said, Offer)) == 1
    assert h1.run(ref).phase == "active"
    assert of(after, Offer) == []


def test_answer_that_is_lost_is_given_again_to_the_letter() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    lost: list[Envelope] = []

    def lose(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Accepted):
            lost.append(envelope)
        return isinstance(envelope.message, Accepted)

    carry(h1, h2, lose=lose)
    later(300, h1, h2)
    said = carry(h1, h2)

    assert of(said, Accepted) == [lost[0].message]
    assert h1.logs[ref] == h2.logs[ref][:3]


def test_host_whose_slots_are_full_refuses_and_is_asked_again_when_it_changed() -> None:
    h1, h2 = two(slots=1)
    first, second = h2.start(GPU), h1.start(GPU)

    said = carry(h1, h2)
    before = [type(e) for e in h1.events(second)]
    h2.ended(first)
    carry(h1, h2)
    later(100, h1, h2)
    carry(h1, h2)

    assert len(of(said, Refused)) == 1
    assert before[-1] is GrantReturned
    assert h1.run(second).phase == "active"


def test_refused_epoch_stays_refused_whatever_comes_late() -> None:
    h1, h2 = two(slots=1)
    h2.start(GPU)
    ref = h1.start(GPU)
    [offer] = [e for e in h1.sent if isinstance(e.message, Offer)]
    carry(h1, h2)
    h2.restart(slots=9)

    h2.hear(offer)

    assert any(isinstance(e.message, Refused) for e in h2.sent)
    assert ref not in h2.core.table.runs


def test_offer_read_before_its_run_was_packed_does_not_begin_it_again() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    [offer] = [e for e in h1.sent if isinstance(e.message, Offer)]
    carry(h1, h2)
    h2.ended(ref)
    carry(h1, h2)

    words = [Incoming(input=Packed(digests={}), run=ref), Incoming(input=Received(envelope=offer))]
    h2.keep(h2.core.step(words, h2.now))

    assert ref not in h2.core.table.runs
    assert [type(e.message) for e in h2.sent] == [Refused]


def test_cancel_while_granted_is_answered_by_a_withdrawal() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h1.sent.clear()

    h1.tell(Cancel(by="bob"), run=ref)
    withheld = [type(e) for e in h1.events(ref)]
    said = carry(h1, h2)

    assert withheld[-1] is RunGranted
    assert len(of(said, Withdraw)) == 1
    assert h1.run(ref).why == "cancelled by bob"
    assert h2.rows("floor") == {ref.key: 1}


def test_cancel_of_a_run_that_began_elsewhere_reaches_it() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2)

    h1.tell(Cancel(by="bob"), run=ref)
    carry(h1, h2)

    assert h2.run(ref).phase == "ending"


def test_restarted_adopter_offers_again_and_restarted_grantee_tells_the_end_again() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h1.restart()
    met(h1, h2)
    started = h2.run(ref).phase
    h2.ended(ref)

    h2.restart()
    said = carry(*met(h1, h2))
    later(300, h1, h2)
    said += carry(h1, h2)

    assert started == "active"
    assert h1.directory[ref.key].state == "archive"
    assert h2.rows("owed") == {}
    assert ref not in h1.core.table.runs
