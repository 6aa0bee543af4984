"""The other hosts as one knows them: silence, clocks, protocols, pings."""

from dataclasses import replace
from typing import Any

from floe.host.inputs import Drain, Incoming, Received, Surroundings
from floe.host.peers.heartbeat import PING_MIN_MS, PING_MS
from floe.kernel.place import Refusals
from floe.model.message import PROTOCOL, Ping
from floe.model.refs import HostId, Instant
from tests.make import NOW, a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, carry, later, met, of, phase

H2 = HostId("h2")
GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))


def two() -> tuple[Host, Host]:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"})))
    return h1, h2


def problems(host: Host) -> tuple[str, ...]:
    return host.core.problems(host.now)[H2]


def pings(host: Host) -> list[Ping]:
    return [e.message for e in host.sent if isinstance(e.message, Ping)]


def reping(h1: Host, h2: Host, **changes: Any) -> None:
    """h1 hears a ping of h2 that is not quite as h2 says it."""
    h2.now = Instant(h2.now + PING_MS)
    [ping] = h2.tell().messages
    assert isinstance(ping.message, Ping)
    h1.tell(Received(envelope=replace(ping, message=replace(ping.message, **changes))))
    h1.settle()


def test_host_is_known_by_its_first_word() -> None:
    h1, h2 = two()

    member = h1.core.members[H2]

    assert (member.store, member.tags, member.slots) == (h2.store, frozenset({"gpu"}), 64)
    assert h1.rows("member") == {"h2": "h2st0"}


def test_silent_host_gets_nothing_and_its_return_is_enough() -> None:
    h1, h2 = two()
    later(20_000, h1)
    h1.sent.clear()
    ref = h1.start(GPU)
    silent = (phase(h1, ref), problems(h1))

    later(3000, h2)
    carry(h1, h2)

    assert silent == ("pending", ("was not seen for 20 s",))
    assert phase(h1, ref) == "active"


def test_host_is_pinged_every_two_seconds_and_at_once_when_something_changed() -> None:
    h1, _ = two()
    h1.sent.clear()

    h1.tell()
    quiet = pings(h1)
    later(PING_MIN_MS, h1)
    h1.tell(Drain(on=True))
    changed = pings(h1)
    later(PING_MS, h1)

    assert (quiet, len(changed), changed[0].draining) == ([], 1, True)
    assert len(pings(h1)) == 2
    assert pings(h1)[1].change == changed[0].change


def test_change_within_a_moment_of_a_ping_is_said_a_moment_later() -> None:
    h1, _ = two()
    h1.sent.clear()

    h1.tell(Drain(on=True))
    at_once = (pings(h1), h1.due)
    later(PING_MIN_MS, h1)

    assert at_once == ([], NOW + PING_MIN_MS)
    assert pings(h1)[0].draining


def test_clock_of_another_host_that_is_off_is_said_and_changes_nothing() -> None:
    h1, h2 = two()
    h2.now = Instant(h2.now + 600_000)
    h2.tell()
    carry(h1, h2)

    ref = h1.start(GPU)
    carry(h1, h2)

    assert problems(h1) == ("its clock is 600 s ahead of this host's",)
    assert phase(h1, ref) == "active"


def test_host_with_another_protocol_gets_nothing_and_it_is_said() -> None:
    h1, h2 = two()
    reping(h1, h2, protocol=PROTOCOL + 1)

    ref = h1.start(GPU)
    placed = h1.core.place(h1.core.table.pends[ref], h1.now)

    assert isinstance(placed, Refusals)
    assert placed.by_host[H2][0].startswith(f"speaks protocol {PROTOCOL + 1}, this host {PROTOCOL}")
    reping(h1, h2)
    assert phase(h1, ref) == "granted"


def test_host_that_was_not_heard_since_the_start_gets_nothing() -> None:
    h1, h2 = two()
    h1.restart()

    ref = h1.start(GPU)
    before = (phase(h1, ref), problems(h1))
    h2.now = Instant(h2.now + PING_MS)
    h2.tell()
    carry(h1, h2)

    assert before == (
        "pending",
        ("has not said yet how it is", "was not heard since this host started"),
    )
    assert phase(h1, ref) == "active"


def test_clock_that_was_set_back_keeps_hosts_talking() -> None:
    h1, _ = two()
    h1.now = Instant(h1.now - 600_000)
    h1.sent.clear()

    h1.tell()

    assert len(pings(h1)) == 1
    assert h1.core.members[H2].seen_at == h1.now


def test_other_store_of_a_host_that_speaks_no_more_is_no_problem_any_more() -> None:
    h1, h2 = two()
    twin = a_host_core("h2", "h2st1")
    twin.tell()
    h1.hear(twin.sent[0])
    both = problems(h1)

    for _ in range(6):
        later(2000, h1, h2)
        carry(h1, h2)

    assert both == ("two hosts are called h2: stores h2st0 and h2st1",)
    assert problems(h1) == ()


def test_host_takes_runs_again_once_another_of_its_name_is_silent() -> None:
    h1, _ = met(a_host_core("h1", tags=frozenset({"gpu"})), a_host_core("h2"))
    twin = a_host_core("h1", "h1st1")
    twin.tell()
    h1.hear(twin.sent[0])
    ref = h1.start(GPU)
    both = h1.core.problems(h1.now)[HostId("h1")]

    later(10_000, h1)

    assert both == ("two hosts are called h1: stores h1st0 and h1st1",)
    assert phase(h1, ref) == "active"


def test_host_alone_pings_nobody_and_has_no_problems() -> None:
    h1 = a_host_core("h1", peers=0)

    decided = h1.tell()

    assert (decided.messages, decided.next_due) == ((), None)
    assert (h1.core.problems(NOW), h1.core.members) == ({HostId("h1"): ()}, {})


def test_what_is_said_to_people_goes_with_the_pings() -> None:
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
