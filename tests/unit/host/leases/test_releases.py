"""What a host owes to the keeper, until the keeper acknowledges it."""

from floe.model.ids import Instant
from floe.model.peer_message import Claims, Release
from tests.make_hosts import a_host_core, carry, later, met
from tests.make_leases import GPU_DB, H1, holders, moved, spoken, two


def test_release_is_sent_until_the_keeper_has_it() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    h2.ended(ref)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Release))
    h2.restart()

    before = holders(h1)
    met(h1, h2)
    later(300, h1, h2)
    carry(h1, h2)

    assert before == (ref.key,)
    assert holders(h1) == ()
    assert h2.rows("owed") == {}


def test_release_owed_to_the_keeper_before_is_not_owed_by_the_keeper_itself() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    h2.ended(ref)
    owed = dict(h2.rows("owed"))

    moved(h1, h2)

    assert list(owed) == [f"release {ref.key}#1"]
    assert h2.rows("owed") == {}
    assert holders(h2) == ()


def test_release_that_reached_a_host_that_is_not_the_keeper_is_still_owed_to_the_keeper() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h3 = a_host_core("h3", keeper=H1, peers=2)
    spoken(h1, h2, h3)
    ref = h2.start(GPU_DB)
    carry(h1, h2, h3)
    h2.restart(keeper=h3.id)  # by mistake: h3 knows nothing of that
    spoken(h1, h2, h3)
    h2.ended(ref)
    spoken(h1, h2, h3)

    h2.restart(keeper=H1)
    spoken(h1, h2, h3)

    assert holders(h1) == ()
    assert h2.rows("owed") == {}


def test_release_is_owed_until_the_keeper_knows_all_claims() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    wiped = a_host_core("h1", "h1st1", keeper=H1)
    wiped.now = h1.now
    met(wiped, h2)
    later(3000, wiped, h2)
    carry(wiped, h2, lose=lambda e: isinstance(e.message, Claims))

    h2.ended(ref)
    carry(wiped, h2, lose=lambda e: isinstance(e.message, Claims))
    owed = dict(h2.rows("owed"))
    spoken(wiped, h2)

    assert list(owed) == [f"release {ref.key}#1"]
    assert h2.rows("owed") == {}
    assert holders(wiped) == ()


def test_release_is_repeated_after_a_clock_is_set_back_in_a_refused_step() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    h2.ended(ref)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Release))
    year_ms = 365 * 24 * 3600 * 1000
    later(2 * year_ms, h2)
    h2.sent.clear()
    h2.now = Instant(h2.now - 2 * year_ms)
    h2.core.undo(h2.core.step([], h2.now))  # the store refuses it

    spoken(h1, h2)

    assert h2.rows("owed") == {}
