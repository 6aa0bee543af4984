"""While a cluster is upgraded, runs that began continue only on hosts whose floe knows how."""

from dataclasses import replace

from floe.host.step_result import StepResult
from floe.model.event import GrantReturned
from floe.model.ids import HostId, RunRef
from floe.model.peer_message import Envelope, Message, Offer, Withdraw
from tests.make import a_flow, a_form
from tests.make_hosts import Host, a_host_core, carry, forget, later, met, of, phase
from tests.unit.host.peers.test_moves import DEPLOY, at_h2, drain, kinds, rested, why


def age(old: Host, *others: Host) -> None:
    """Let the others believe that a host has a floe from before runs moved."""
    for host in others:
        assert host.core.cluster is not None
        ping = host.core.cluster.members.by_id[old.id].ping
        assert ping is not None
        tell(old, host, replace(ping, moves=False, change=ping.change + 1))


def tell(sender: Host, host: Host, message: Message) -> StepResult:
    """Have a host hear a message; its step."""
    return host.hear(
        Envelope(
            from_host=sender.id,
            from_store=sender.store,
            to_host=host.id,
            to_store=host.store,
            message=message,
        )
    )


def test_run_stays_where_the_only_other_host_is_of_an_older_floe() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2"))
    ref = h1.start(a_flow(a_form()))
    age(h2, h1)

    drain(h1)

    assert phase(h1, ref) == "active"
    assert why(h1, ref).endswith("is of an older floe, which does not continue runs")


def test_returned_run_is_offered_to_no_host_of_an_older_floe() -> None:
    h1, h2, h3, ref = at_h2()
    drain(h2, h1, h3)
    age(h3, h1)
    offers: list[HostId | None] = []

    def lose(envelope: Envelope) -> bool:
        offers.extend([envelope.to_host] if isinstance(envelope.message, Offer) else [])
        return envelope.from_host == h3.id

    carry(h1, h2, h3, lose=lose)

    assert h3.id not in offers
    assert phase(h1, ref) == "pending"


def test_kept_run_is_offered_once_its_next_host_is_upgraded() -> None:
    h1, h2, h3, ref = at_h2(DEPLOY)
    rested(h1, h2, h3)
    age(h3, h1)
    forget(h1, h2)
    h1.settle()
    before = phase(h1, ref)

    later(2000, h1, h3)
    carry(h1, h3)

    assert (before, phase(h3, ref)) == ("pending", "active")


def offered_to_h3() -> tuple[Host, Host, RunRef]:
    """h1 with a run that outlived its host and is granted to h3, which has not heard of it yet."""
    h1, h2, h3, ref = at_h2(DEPLOY)
    rested(h1, h2, h3)
    forget(h1, h2)
    h1.settle()
    h1.sent.clear()
    assert (phase(h1, ref), h1.run(ref).host) == ("granted", h3.id)
    return h1, h3, ref


def test_run_that_began_is_withdrawn_from_a_host_that_was_downgraded() -> None:
    h1, h3, ref = offered_to_h3()
    age(h3, h1)
    later(200, h1)

    said = carry(h1, h3)

    assert of(said, Withdraw)
    assert of(said, Offer) == []
    assert phase(h3, ref) == "gone"
    assert GrantReturned in kinds(h1, ref)


def test_run_that_began_is_not_offered_before_its_host_says_what_it_can() -> None:
    h1, h3, ref = offered_to_h3()
    h1.restart()
    later(200, h1)

    said = of((envelope.message for envelope in h1.sent), Offer)

    assert said == []
    later(2000, h1, h3)
    carry(h1, h3)
    assert phase(h3, ref) == "active"
