"""A host comes back, shares its name, or drains."""

from floe.host.inputs import Drain
from floe.kernel.place import Refusals
from tests.make_hosts import GPU, H2, a_host_core, carry, forget, later, met, phase, two


def test_host_that_comes_back_with_another_store_gets_nothing_before_a_forget() -> None:
    h1, h2 = two()
    wiped = a_host_core("h2", "h2st1", tags=frozenset({"gpu"}))
    later(20_000, h1)
    wiped.step()
    carry(h1, wiped)
    ref = h1.start(GPU)
    before = h1.core.place(h1.core.table.pends[ref], h1.now)

    forget(h1, h2)
    carry(h1, wiped)
    later(3000, h1, wiped)
    carry(h1, wiped)

    assert isinstance(before, Refusals)
    assert before.by_host[H2][0].startswith("lost its store: it was h2st0 and is h2st1 now")
    assert phase(wiped, ref) == "active"


def test_two_hosts_of_one_name_get_nothing_and_all_report_it() -> None:
    h1, h2 = two()
    twin = a_host_core("h2", "h2st1", tags=frozenset({"gpu"}))
    twin.step()
    [envelope] = twin.sent
    h1.hear(envelope)
    h2.hear(envelope)
    ref = h1.start(GPU)
    own = h2.start(GPU)

    placed = h1.core.place(h1.core.table.pends[ref], h1.now)
    at_home = h2.core.place(h2.core.table.pends[own], h2.now)

    text = "two hosts are called h2: stores h2st0 and h2st1"
    assert isinstance(placed, Refusals)
    assert isinstance(at_home, Refusals)
    assert placed.by_host[H2] == (text,)
    assert at_home.by_host[H2] == (text,)


def test_draining_host_takes_nothing_and_drains_on_after_a_restart() -> None:
    h1, h2 = two()
    h2.step(Drain(on=True))
    carry(h1, h2)
    ref = h1.start(GPU)
    h2.restart()
    carry(*met(h1, h2))
    later(100, h1, h2)
    drained = (phase(h1, ref), h2.core.site.draining)

    h2.step(Drain(on=False))
    later(100, h1, h2)
    carry(h1, h2)

    assert drained == ("pending", True)
    assert phase(h1, ref) == "active"
    assert h2.rows("drain") == {}


def test_drain_twice_is_no_change() -> None:
    h1, _ = two()
    h1.step(Drain(on=True))

    assert not h1.step(Drain(on=True), ticket=1).replies[0].changed
