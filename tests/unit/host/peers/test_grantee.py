"""The grantee's side of the hand-over: acceptances, refusals and ends."""

from floe.host.inputs import Incoming, Packed, Received, Start
from floe.model.codec import digest_of
from floe.model.event import GrantReturned
from floe.model.ids import NodeId
from floe.model.peer_message import Accepted, Envelope, Offer, Refused
from floe.model.taken import RerunOf
from tests.make_handover import GPU, two
from tests.make_hosts import carry, later, of


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


def test_adopter_stores_the_activation_of_a_re_run_that_takes_a_workspace_as_its_host_did() -> None:
    h1, h2 = two()
    old = h1.start(GPU)
    carry(h1, h2)
    of = RerunOf(run=old.key, host=h2.id, workspace=h2.run(old).workspace)
    h2.ended(old)
    again = Start(
        flow=GPU,
        digest=digest_of(GPU),
        trigger=NodeId("start"),
        values={},
        by="alice",
        rerun_of=of,
    )
    ref = h1.step(again).appends[0].run

    carry(h1, h2)

    assert h2.run(ref).moved_from == of.workspace
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
