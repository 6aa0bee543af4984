"""The shared rows at a host that copies them."""

from floe.host.inputs import CatchUp
from floe.host.shared.copying import AWAY, UNSURE
from floe.model.peer_message import Envelope, Ping
from floe.model.shared_message import SharedPage, SharedSince, SharedWritten, WriteShared
from tests.make_hosts import carry, later, of
from tests.make_shared import (
    Asking,
    a_write,
    answered,
    asked,
    replaced,
    settled,
    silent,
    three,
    values,
)


def without(*kinds: type):  # type: ignore[no-untyped-def]
    """A network that loses some messages."""

    def lose(envelope: Envelope) -> bool:
        return isinstance(envelope.message, kinds)

    return lose


def test_write_is_answered_once_the_copy_of_the_host_has_it() -> None:
    h1, h2, h3 = three()

    reply = answered(h2, a_write(), h1)

    assert (reply.changed, reply.number, values(h1, h2, h3)) == (True, 1, [1, 1, None])


def test_write_is_repeated_until_it_is_answered_and_stored_once() -> None:
    h1, h2, _ = three()
    asking = Asking(h2, a_write())
    carry(h1, h2, lose=without(SharedWritten))
    assert asking.reply is None

    later(300, h1, h2)
    sent = carry(h1, h2)

    assert len(of(sent, WriteShared)) == 1
    assert asking.reply is not None
    assert h1.core.shared_rows.state.number == 1


def test_write_of_a_host_that_is_behind_is_refused_as_changed() -> None:
    h1, h2, h3 = three()
    h1.step(a_write())

    reply = answered(h2, a_write(value=2), h1, h3)

    assert (reply.changed, reply.why) == (False, "t k has changed in the meantime")


def test_caller_who_catches_up_sees_each_row_stored_before() -> None:
    h1, h2, h3 = three()
    h1.step(a_write())

    reply = asked(h2, CatchUp(), h1, h3, lose=without(Ping))

    assert reply is not None
    assert (reply.number, values(h2)) == (1, [1])


def test_reply_to_an_earlier_exchange_does_not_count() -> None:
    h1, h2, _ = three()
    first = Asking(h2, CatchUp())
    carry(h1, h2, lose=without(SharedPage))
    h1.step(a_write())
    h1.sent = []
    second = Asking(h2, CatchUp())
    later(300, h2)

    carry(h1, h2, lose=without(Ping))

    assert first.reply is not None
    assert second.reply is not None
    assert values(h2) == [1]


def test_callers_share_an_exchange() -> None:
    h1, h2, _ = three()
    for ticket in range(1, 20):
        h2.step(CatchUp(), ticket=ticket)

    assert len(of(carry(h1, h2), SharedSince)) == 2


def test_missed_ping_is_made_up_for_by_the_next() -> None:
    h1, h2, h3 = three()
    h1.step(a_write())
    carry(h1, h2, h3, lose=without(Ping))

    settled(h1, h2, h3, rounds=1)

    assert values(h2, h3) == [1, 1]


def test_keeper_that_is_away_is_named_at_once() -> None:
    _, h2, _ = three()
    silent(11_000, h2)

    replies = [answered(h2, a_write()), answered(h2, CatchUp())]

    assert [(r.why, r.is_away) for r in replies] == [(AWAY, True)] * 2
    assert h2.core.sharing.age(h2.now) == "h1 was not seen for 11 s"


def test_restarted_host_says_that_its_rows_may_be_old() -> None:
    _, h2, _ = three()

    h2.restart()

    assert h2.core.sharing.age(h2.now) == "h1 has sent no message since this host started"


def test_keeper_that_does_not_answer_leaves_a_write_unsure() -> None:
    _, h2, _ = three()
    asking = [Asking(h2, a_write())]
    silent(5000, h2)

    assert [one.reply and (one.reply.why, one.reply.is_away) for one in asking] == [(UNSURE, True)]


def test_write_that_was_given_up_is_not_sent_again() -> None:
    h1, h2, _ = three()
    h2.step(a_write())
    silent(5000, h2)

    later(300, h1, h2)

    assert of(carry(h1, h2), WriteShared) == []


def test_host_takes_nothing_from_a_keeper_that_was_replaced() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)
    replaced(h1, h2, h3)
    before = h2.core.shared_rows.state
    h1.now = h2.now
    h1.step(a_write("late"))

    carry(h1, h2, h3)

    assert h2.core.shared_rows.state == before


def test_copy_survives_a_restart() -> None:
    h1, h2, h3 = three()
    answered(h1, a_write(), h2, h3)
    settled(h1, h2, h3)

    h2.restart()

    assert values(h2) == [1]
