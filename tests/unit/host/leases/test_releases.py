"""What a host owes to the keeper, until the keeper acknowledges it."""

from floe.model.peer_message import Release
from tests.make_hosts import carry, later, met
from tests.make_leases import GPU_DB, holders, moved, two


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
