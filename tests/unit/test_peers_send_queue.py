"""The messages that wait for a host."""

import pytest

from floe.model.ids import StoreId
from floe.model.peer_message import EndedStored, Envelope, Message
from floe.peers import send_queue
from floe.peers.send_queue import QueuedItem, SendQueue
from tests.make import H1
from tests.make_peers import a_ping


def an_item(message: Message, size: int = 10) -> QueuedItem:
    envelope = Envelope(from_host=H1, from_store=StoreId("k3f9"), message=message)
    return QueuedItem(envelope, repr(message).encode().ljust(size, b"."))


def a_word(epoch: int = 1) -> Message:
    return EndedStored(run="h1-1@k3f9", epoch=epoch)


def drained(box: SendQueue) -> list[Message]:
    return [box.take().envelope.message for _ in range(len(box))]


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    box = SendQueue()

    for epoch in (1, 2, 3):
        box.put(an_item(a_word(epoch)))

    assert drained(box) == [a_word(1), a_word(2), a_word(3)]


def test_a_message_that_still_waits_is_not_queued_again() -> None:
    box = SendQueue()

    for epoch in (1, 2, 1):
        box.put(an_item(a_word(epoch)))

    assert drained(box) == [a_word(1), a_word(2)]


def test_a_ping_takes_the_place_of_an_older_one() -> None:
    box = SendQueue()

    for message in (a_ping(1), a_word(), a_ping(2)):
        box.put(an_item(message))

    assert drained(box) == [a_ping(2), a_word()]


def test_the_oldest_message_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_queue, "WORDS_MAX", 2)
    box = SendQueue()

    for epoch in (1, 2, 3):
        box.put(an_item(a_word(epoch)))

    assert drained(box) == [a_word(2), a_word(3)]


def test_messages_that_wait_have_bounded_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_queue, "BYTES_MAX", 250)
    box = SendQueue()

    for epoch in range(1, 10):
        box.put(an_item(a_word(epoch), size=100))

    assert drained(box) == [a_word(8), a_word(9)]


def test_a_ping_outlasts_what_is_dropped() -> None:
    box = SendQueue()
    for message in (a_word(1), a_ping(), a_word(2)):
        box.put(an_item(message))

    dropped = box.empty()

    assert [item.envelope.message for item in dropped] == [a_word(1), a_word(2)]
    assert drained(box) == [a_ping()]
