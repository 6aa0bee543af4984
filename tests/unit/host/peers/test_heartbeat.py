"""The pings of a host: when they are sent, and what they report."""

from floe.host.inputs import Drain, Incoming, Surroundings
from floe.host.peers.heartbeat import PING_MIN_MS, PING_MS
from floe.model.ids import Instant
from floe.model.peer_message import Ping
from tests.make import NOW
from tests.make_hosts import Host, carry, later, of
from tests.make_members import H2, two


def pings(host: Host) -> list[Ping]:
    return [e.message for e in host.sent if isinstance(e.message, Ping)]


def test_host_is_pinged_every_two_seconds_and_at_once_when_something_changed() -> None:
    h1, _ = two()
    h1.sent.clear()

    h1.step()
    quiet = pings(h1)
    later(PING_MIN_MS, h1)
    h1.step(Drain(on=True))
    changed = pings(h1)
    later(PING_MS, h1)

    assert (quiet, len(changed), changed[0].draining) == ([], 1, True)
    assert len(pings(h1)) == 2
    assert pings(h1)[1].change == changed[0].change


def test_change_within_a_moment_of_a_ping_is_sent_a_moment_later() -> None:
    h1, _ = two()
    h1.sent.clear()

    h1.step(Drain(on=True))
    at_once = (pings(h1), h1.due)
    later(PING_MIN_MS, h1)

    assert at_once == ([], NOW + PING_MIN_MS)
    assert pings(h1)[0].draining


def test_clock_that_was_set_back_keeps_hosts_talking() -> None:
    h1, _ = two()
    h1.now = Instant(h1.now - 600_000)
    h1.sent.clear()

    h1.step()

    assert len(pings(h1)) == 1
    assert h1.core.members[H2].seen_at == h1.now


def test_pings_carry_what_people_see() -> None:
    h1, h2 = two()
    h2.observe(about={"version": "9"})

    later(PING_MS, h2)
    said = of(carry(h1, h2), Ping)

    assert said
    assert h1.core.members[H2].about == {"version": "9"}


def test_surroundings_outlast_a_refused_append() -> None:
    h1, h2 = two()
    word = Surroundings(about={"version": "9"}, head=7, has_gone_back=False, expected=1)

    h2.core.undo(h2.core.step([Incoming(input=word)], h2.now))
    later(PING_MS, h2)
    carry(h1, h2)

    assert h1.core.members[H2].about == {"version": "9", "head": 7, "gone_back": False}
