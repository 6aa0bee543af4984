"""Events on their way between two hosts, with the JSON text that the sender stored."""

from collections.abc import Mapping
from typing import Final

from floe.model.codec import decode_event, from_text
from floe.model.event import Event
from floe.model.peer_message import Fact
from floe.store.base import Record

UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, AssertionError)
"""What a fact raises that a newer floe wrote, or no floe at all."""


def event_of(fact: Fact) -> Event:
    """The event in a fact. Raises KeyError, TypeError or ValueError."""
    shape = from_text(fact.body)
    if not isinstance(shape, Mapping):
        raise TypeError("a fact is an object")
    return decode_event(fact.event, shape)


def fact_of(record: Record) -> Fact:
    """An event of a log on its way to a peer."""
    name = type(record.event).__name__
    return Fact(epoch=record.epoch, seq=record.seq, event=name, body=record.body)
