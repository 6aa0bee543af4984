"""What is said until it is answered: how often, how soon, and what a refused append makes of it."""

from itertools import pairwise

from floe.host.core import HostCore
from floe.host.peers.no_peers import NoPeers
from floe.host.peers.outbox import FIRST_MS, LAST_MS, Outbox
from floe.host.step import Step
from floe.host.undoable import UndoJournal
from floe.model.ids import HostId, Instant, StoreId
from floe.model.peer_message import Message, Withdraw
from tests.make import NOW
from tests.make_hosts import a_host_core

H2, S2 = HostId("h2"), StoreId("h2st0")
WORD = Withdraw(run="h1-1@h1st0", epoch=1)


def an_outbox() -> tuple[Outbox, UndoJournal, HostCore]:
    core = a_host_core("h1").core
    return Outbox(core.site), core.site.journal, core


def said(outbox: Outbox, core: HostCore, now: int) -> list[Message]:
    step = Step(core.site, Instant(now), NoPeers())
    outbox.flush(step)
    return [envelope.message for envelope in step.messages]


def put(outbox: Outbox, name: str = "a", word: Message = WORD) -> None:
    outbox.put(H2, S2, "offer", name, word, NOW)


def test_message_is_sent_at_once_and_then_ever_more_seldom() -> None:
    outbox, _, core = an_outbox()
    put(outbox)

    dues = [NOW]
    for _ in range(7):
        assert said(outbox, core, dues[-1]) == [WORD]
        assert outbox.next_due is not None
        dues.append(outbox.next_due)

    waits = [b - a for a, b in pairwise(dues)]
    assert waits == [FIRST_MS, 400, 800, 1600, 3200, LAST_MS, LAST_MS]


def test_message_that_is_answered_is_sent_no_more() -> None:
    outbox, _, core = an_outbox()
    put(outbox)
    said(outbox, core, NOW)

    was_waited_for = outbox.done(H2, "offer", "a")

    assert was_waited_for
    assert not outbox.done(H2, "offer", "a")
    assert (said(outbox, core, NOW + LAST_MS), outbox.next_due) == ([], None)


def test_letter_takes_the_place_of_the_one_with_its_name() -> None:
    outbox, _, core = an_outbox()
    put(outbox)
    other = Withdraw(run="h1-1@h1st0", epoch=2)

    put(outbox, word=other)

    assert said(outbox, core, NOW) == [other]


def test_message_of_a_host_hastens_what_it_has_not_answered_but_not_at_once() -> None:
    outbox, _, core = an_outbox()
    put(outbox)
    said(outbox, core, NOW)
    said(outbox, core, NOW + FIRST_MS)

    outbox.hasten(H2, Instant(NOW + FIRST_MS + 50))

    assert outbox.next_due == NOW + 2 * FIRST_MS


def test_message_of_a_host_hastens_nothing_that_was_not_sent_yet() -> None:
    outbox, _, _ = an_outbox()
    outbox.put(H2, S2, "offer", "a", WORD, Instant(NOW + 1000))

    outbox.hasten(H2, NOW)

    assert outbox.next_due == NOW + 1000


def test_forgotten_store_gets_nothing_more_and_another_of_its_name_is() -> None:
    outbox, _, core = an_outbox()
    put(outbox)
    outbox.put(H2, StoreId("h2st1"), "offer", "b", WORD, NOW)

    outbox.drop(H2, S2)

    assert len(said(outbox, core, NOW)) == 1
    assert [name for _, _, name, _ in outbox.waiting()] == ["b"]


def test_letter_is_due_as_before_when_its_sending_is_taken_back() -> None:
    outbox, journal, core = an_outbox()
    put(outbox)
    journal.take()
    said(outbox, core, NOW)

    for undo in journal.take():
        undo()

    assert outbox.next_due == NOW
    assert said(outbox, core, NOW) == [WORD]


def test_clock_that_is_set_back_stops_no_letter() -> None:
    outbox, _, core = an_outbox()
    put(outbox)
    said(outbox, core, NOW)

    outbox.set_back(Instant(NOW - 600_000))

    assert said(outbox, core, NOW - 600_000) == [WORD]
