"""The problems of one peer."""

from dataclasses import replace
from typing import Any

from floe.host.inputs import Received, SecretNames
from floe.host.peers.heartbeat import PING_MS
from floe.kernel.place import Refusals
from floe.model.ids import Instant
from floe.model.peer_message import PROTOCOL, Ping
from floe.model.secret_name import SecretName, SecretUse
from tests.make import a_node, an_end
from tests.make_hosts import Host, carry, phase
from tests.make_members import GPU, H2, problems, two


def reping(h1: Host, h2: Host, **changes: Any) -> None:
    """h1 hears a ping of h2 that is not quite as h2 says it."""
    h2.now = Instant(h2.now + PING_MS)
    [ping] = h2.step().messages
    assert isinstance(ping.message, Ping)
    h1.step(Received(envelope=replace(ping, message=replace(ping.message, **changes))))
    h1.settle()


def test_clock_of_another_host_that_is_off_is_reported_and_changes_nothing() -> None:
    h1, h2 = two()
    h2.now = Instant(h2.now + 600_000)
    h2.step()
    carry(h1, h2)

    ref = h1.start(GPU)
    carry(h1, h2)

    assert problems(h1) == ("its clock is 600 s ahead of this host's",)
    assert phase(h1, ref) == "active"


def test_host_with_another_protocol_gets_nothing_and_it_is_reported() -> None:
    h1, h2 = two()
    reping(h1, h2, protocol=PROTOCOL + 1)

    ref = h1.start(GPU)
    placed = h1.core.place(h1.core.table.pends[ref], h1.now)

    assert isinstance(placed, Refusals)
    assert placed.by_host[H2][0].startswith(f"speaks protocol {PROTOCOL + 1}, this host {PROTOCOL}")
    reping(h1, h2)
    assert phase(h1, ref) == "granted"


def test_host_that_was_not_seen_since_the_start_gets_nothing() -> None:
    h1, h2 = two()
    h1.restart()

    ref = h1.start(GPU)
    before = (phase(h1, ref), problems(h1))
    h2.now = Instant(h2.now + PING_MS)
    h2.step()
    carry(h1, h2)

    assert before == (
        "pending",
        ("has not reported its state yet", "has sent no message since this host started"),
    )
    assert phase(h1, ref) == "active"


def test_run_is_given_to_the_peer_that_has_its_secret() -> None:
    h1, h2 = two()
    name = SecretName("NPM_TOKEN")
    flow = replace(GPU, nodes=(a_node(secrets=(SecretUse(name=name),)), an_end()))
    ref = h1.start(flow)
    refused = h1.core.place(h1.core.table.pends[ref], h1.now)

    h2.now = Instant(h2.now + PING_MS)
    h2.step(SecretNames(names=frozenset({name})))
    carry(h1, h2)

    assert isinstance(refused, Refusals)
    assert refused.by_host[H2] == ("has no secret NPM_TOKEN",)
    assert phase(h1, ref) == "active"
