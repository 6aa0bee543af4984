"""Takes that are repeated, of which the host that was asked knows nothing: they are void."""

from floe.host.peers.seeking import SEEK_MS
from floe.model.peer_message import Envelope
from floe.model.take_message import Take, Taken, Untake
from tests.make_hosts import carry, later
from tests.unit.host.peers.test_seeking import Asked, ask, holder, keys, offering, two


def lost_takes(envelope: Envelope) -> bool:
    return isinstance(envelope.message, Taken)


def test_repeated_take_that_its_host_forgot_gives_its_work_back() -> None:
    h1, h2 = two()
    [ref] = offering(h2, h1)
    ask(h1, once="take:t1")
    carry(h1, h2, lose=lost_takes)
    held = holder(h2, ref)
    h1.restart()
    asked = Asked(h1)

    ask(h1, once="take:t1", is_repeat=True)
    later(100, h1, h2)
    carry(h1, h2)

    assert (held, holder(h2, ref), asked.replies) == ("t1", "", [""])
    assert len(h2.core.table.offers) == 1
    assert h1.ledger["void-take", "h1 t1"] == {"at": int(h1.now) - 100, "owed": []}


def test_void_take_that_arrives_late_takes_nothing() -> None:
    h1, h2 = two()
    [ref] = offering(h2, h1)
    kept = list[Envelope]()

    def lose(envelope: Envelope) -> bool:
        kept.extend([envelope] if isinstance(envelope.message, Take) else ())
        return isinstance(envelope.message, Take)

    ask(h1, once="take:t1")
    carry(h1, h2, lose=lose)
    h1.restart()
    ask(h1, once="take:t1", is_repeat=True)
    later(100, h1, h2)
    carry(h1, h2)
    h2.restart()
    h2.hear(kept[0])

    assert (holder(h2, ref), len(h2.core.table.offers)) == ("", 1)


def test_void_take_that_is_asked_for_again_gets_nothing() -> None:
    h1, h2 = two()
    offering(h2, h1, runs=2)
    ask(h1, once="take:t1", is_repeat=True)
    asked = Asked(h1)

    ask(h1, once="take:t1")
    carry(h1, h2)

    assert asked.replies == [""]


def test_host_that_is_away_learns_later_that_a_take_is_void() -> None:
    h1, h2 = two()
    [ref] = offering(h2, h1)
    ask(h1, once="take:t1")
    carry(h1, h2, lose=lost_takes)
    h1.restart()
    ask(h1, once="take:t1", is_repeat=True)
    carry(h1, h2, lose=lambda envelope: isinstance(envelope.message, Untake))
    h1.restart()
    later(SEEK_MS, h1, h2)
    carry(h1, h2)

    assert holder(h2, ref) == ""


def test_repeated_take_ends_the_one_that_still_waits() -> None:
    h1, h2 = two()
    [ref] = offering(h2, h1)
    asked = Asked(h1)
    ask(h1, once="take:t1")

    ask(h1, once="take:t1", is_repeat=True)
    later(100, h1, h2)
    carry(h1, h2)

    assert (asked.replies, holder(h2, ref)) == (["", ""], "")


def test_take_and_its_end_in_one_step_leave_the_work_offered() -> None:
    h1, h2 = two()
    [ref] = offering(h2, h1)
    [key] = keys(h2, [ref])
    messages = (Take(key=key, take="t1", by="p"), Untake(key="", take="t1"))
    envelopes = [
        Envelope(from_host=h1.id, from_store=h1.store, to_host=h2.id, to_store=h2.store, message=m)
        for m in messages
    ]

    h2.step(*map(h2.read, envelopes))

    assert (holder(h2, ref), len(h2.core.table.offers)) == ("", 1)
