"""Which of several hosts gets a pend: what was given counts, and who refused is not asked again."""

from dataclasses import replace
from typing import Any

import pytest

from floe.host.inputs import Start, Troubles, Unsent
from floe.host.peers.heartbeat import PING_MS
from floe.kernel.place import Refusals
from floe.model.codec import digest_of
from floe.model.event import GrantReturned
from floe.model.flow import Flow
from floe.model.ids import FlowId, HostId, Instant, NodeId
from floe.model.peer_message import Accepted, Envelope, Offer, Refused
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import BUILD, Host, a_host_core, carry, later, met, of, phase

GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))


def a_kind(id: str, **others: Any) -> Flow:
    return a_flow(a_node("build"), an_end(), id=FlowId(id), host_tags=("gpu",), **others)


def two(**others: Any) -> tuple[Host, Host]:
    """h1 without the tag that h2 has."""
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"}), **others))
    return h1, h2


def started(host: Host, *flows: Flow) -> None:
    """Runs of flows, started in one step."""
    host.step(
        *[
            Start(flow=f, digest=digest_of(f), trigger=NodeId("start"), values={}, by="alice")
            for f in flows
        ]
    )


def granted(host: Host) -> list[HostId]:
    """Where the runs that are granted or active are, in their order."""
    runs = host.core.table.runs.values()
    return [run.host for run in runs if run.phase in ("granted", "active") and run.host]


def test_run_that_this_host_can_take_is_begun_without_a_message_about_it() -> None:
    h1, _ = two()
    h1.sent.clear()

    ref = h1.start(BUILD)

    assert phase(h1, ref) == "active"
    assert not of([e.message for e in h1.sent], Offer)


def test_runs_spread_over_hosts_by_what_was_given_though_they_reported_nothing_since() -> None:
    h1, _ = met(a_host_core("h1", slots=4), a_host_core("h2", slots=4))

    started(h1, *[BUILD] * 6)

    assert sorted(granted(h1)) == ["h1"] * 3 + ["h2"] * 3


def test_no_more_is_offered_than_a_host_has_slots() -> None:
    h1, h2 = two(slots=2)

    started(h1, *[GPU] * 5)

    assert len(of([e.message for e in h1.sent], Offer)) == 2
    assert of(carry(h1, h2), Refused) == []


@pytest.mark.parametrize(
    "flow", [a_kind("nic", resource_tags=("host:nic",)), a_kind("space", reuse_space=True)]
)
def test_what_a_host_has_once_is_offered_once_until_it_is_reported_free(flow: Flow) -> None:
    h1, h2 = two()
    started(h1, flow, flow)
    first, second = sorted(h1.core.table.runs)
    said = carry(h1, h2)
    later(100, h1, h2)
    said += carry(h1, h2)
    before = phase(h1, second)

    h2.ended(first)
    later(100, h1, h2)
    carry(h1, h2)
    later(100, h1, h2)
    carry(h1, h2)

    assert (before, of(said, Refused)) == ("pending", [])
    assert phase(h1, second) == "active"


def test_run_that_was_over_before_its_host_reported_it_holds_up_nobody() -> None:
    h1, h2 = two()
    flow = a_kind("nic", resource_tags=("host:nic",))
    started(h1, flow, flow)
    first, second = sorted(h1.core.table.runs)
    carry(h1, h2)
    h2.ended(first)
    carry(h1, h2)
    counted = phase(h1, second)

    later(2000, h1, h2)
    carry(h1, h2)

    assert counted == "pending"
    assert phase(h1, second) == "active"


def test_refused_connection_is_a_no_and_the_host_is_asked_again_at_its_next_message() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h1.sent.clear()

    h1.step(Unsent(run=ref, epoch=1))
    returned = (h1.events(ref)[-1], phase(h1, ref))
    later(2000, h2)
    carry(h1, h2)

    assert isinstance(returned[0], GrantReturned)
    assert (returned[0].why, returned[1]) == ("h2: h2 refused the connection", "pending")
    assert (phase(h1, ref), h1.run(ref).epoch) == ("active", 2)


def test_refused_connection_is_no_answer_to_an_offer_of_an_earlier_process() -> None:
    h1, _ = two()
    ref = h1.start(GPU)
    h1.restart()

    h1.step(Unsent(run=ref, epoch=1))

    assert phase(h1, ref) == "granted"


def test_late_refusal_does_not_keep_a_host_from_a_run_that_it_would_take_by_now() -> None:
    h1, h2 = two(slots=1)
    first = h2.start(GPU)
    ref = h1.start(GPU)
    late: list[Envelope] = []

    def lose(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Refused):
            late.append(envelope)
        return isinstance(envelope.message, Refused)

    carry(h1, h2, lose=lose)
    h2.ended(first)
    later(100, h2)
    carry(h1, h2, lose=lose)
    h1.hear(late[0])
    h1.settle()
    carry(h1, h2)

    assert phase(h1, ref) == "active"


def test_refusal_that_is_sent_again_does_not_count_for_what_the_host_is_by_now() -> None:
    h1, h2 = two(slots=1)
    first = h2.start(GPU)
    ref = h1.start(GPU)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Refused))
    h2.ended(first)
    later(100, h2)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Refused))

    later(300, h1)
    carry(h1, h2)
    later(100, h2)
    carry(h1, h2)

    assert phase(h1, ref) == "active"


def test_run_that_one_host_refuses_goes_to_another() -> None:
    h1 = a_host_core("h1", peers=2)
    h2 = a_host_core("h2", peers=2, tags=frozenset({"gpu"}), slots=1)
    h3 = a_host_core("h3", peers=2, tags=frozenset({"gpu"}), slots=1)
    met(h1, h2, h3)
    h2.start(GPU)
    ref = h1.start(GPU)

    said = carry(h1, h2, h3)

    assert len(of(said, Refused)) == 1
    assert h1.run(ref).host == HostId("h3")


def test_run_that_hosts_refuse_holds_up_none_with_the_same_needs() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    [offer] = [e for e in h1.sent if isinstance(e.message, Offer)]
    assert isinstance(offer.message, Offer)
    h1.sent.clear()
    h2.hear(replace(offer, message=replace(offer.message, facts=offer.message.facts[:1])))
    carry(h1, h2)

    other = h1.start(GPU)
    carry(h1, h2)

    assert h1.events(ref)[-1] == GrantReturned(
        at=h1.now, epoch=1, why="h2: was offered a run that is not granted to it"
    )
    assert (phase(h1, ref), phase(h1, other)) == ("pending", "active")


def test_offer_that_cannot_be_read_is_refused_for_ever() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    [offer] = [e for e in h1.sent if isinstance(e.message, Offer)]
    assert isinstance(offer.message, Offer)
    facts = tuple(replace(f, event="RunDreamt") for f in offer.message.facts)

    h2.hear(replace(offer, message=replace(offer.message, facts=facts)))
    h2.hear(offer)

    answers = of([e.message for e in h2.sent], Refused)
    assert answers[0].why == "cannot read this run: KeyError 'RunDreamt'"
    assert len(answers) == 2
    assert h2.rows("floor") == {ref.key: 1}


def test_offer_by_a_host_that_is_not_the_adopter_is_ignored() -> None:
    h1, h2 = two()
    h1.start(GPU)
    [offer] = [e for e in h1.sent if isinstance(e.message, Offer)]
    h2.sent.clear()

    h2.hear(replace(offer, from_host=HostId("h7")))

    assert not of([e.message for e in h2.sent], Accepted)
    assert h2.core.table.runs == {}


def test_run_of_a_copied_store_is_held_back_for_an_operator() -> None:
    h1, h2 = two()
    ref = h1.start(a_flow(host_tags=("moon",)))
    h1.store = h1.store.__class__("copy1")
    h1.restart(tags=frozenset({"moon"}))
    carry(*met(h1, h2))

    assert h1.core.is_held_back(h1.run(ref))
    assert phase(h1, ref) == "pending"
    assert h1.core.table.pends == {}


def test_host_in_trouble_is_given_nothing_by_others_that_explain_why() -> None:
    h1, h2 = two()
    h2.step(Troubles(problems=("has no room in its root",)))
    later(PING_MS, h1, h2)
    carry(h1, h2)
    ref = h1.start(GPU)

    placed = h1.core.place(h1.core.table.pends[ref], h1.now)

    assert isinstance(placed, Refusals)
    assert "has no room in its root" in placed.by_host[HostId("h2")]


def test_host_in_trouble_returns_what_it_is_offered() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h2.step(Troubles(problems=("has no room in its root",)))

    carry(h1, h2)

    assert phase(h1, ref) == "pending"
    assert "has no room in its root" in h1.run(ref).why


def test_host_whose_trouble_is_over_is_given_what_waited_for_it() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h2.step(Troubles(problems=("has no room in its root",)))
    carry(h1, h2)

    h2.now = h1.now = Instant(h1.now + PING_MS)
    h2.step(Troubles(problems=()))
    carry(h1, h2)

    assert phase(h1, ref) in ("granted", "active")


def test_keeper_in_trouble_goes_on_keeping() -> None:
    h1, _ = two(keeper=HostId("h1"))
    before = h1.core.may_fire(h1.now)

    h1.step(Troubles(problems=("has no room in its root",)))

    assert h1.core.may_fire(h1.now) == before
