"""Events on their way between two hosts, with the JSON text that the sender stored."""

import base64
from collections.abc import Mapping
from typing import Final

from floe.model.codec import decode_event, from_text, to_text
from floe.model.errors import KeyMissing
from floe.model.event import Event
from floe.model.ids import Json, RunRef
from floe.model.peer_message import Ended, Fact
from floe.model.run import Run
from floe.store.base import Record
from floe.store.sealing import Opened, Seals

UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, AssertionError, KeyMissing)
"""What a fact raises that a newer floe wrote, or no floe at all, or whose key is missing."""

END: Final = 0
"""In place of a sequence number: the outputs of a run are bound to no event of its log."""


def event_of(fact: Fact, run: RunRef, opened: Opened) -> Event:
    """The event in a fact of a run; `opened` decrypts it. Raises what `UNREADABLE` lists."""
    shape = from_text(opened(run, fact.seq, fact.event, fact.body))
    if not isinstance(shape, Mapping):
        raise TypeError("a fact is an object")
    return decode_event(fact.event, shape)


def sealed_outputs(run: Run, seals: Seals) -> str:
    """The outputs of a sealed run that ended, for the message about its end."""
    data = seals.seal(run.ref, END, Ended.__name__, to_text(dict(run.outputs)))
    return base64.b64encode(data).decode()


def outputs_of(message: Ended, opened: Opened) -> Mapping[str, Json]:
    """The outputs of a run that ended at a peer. Raises what `UNREADABLE` lists."""
    if not message.sealed:
        return message.outputs
    data = base64.b64decode(message.sealed)
    shape = from_text(opened(RunRef.parse(message.run), END, Ended.__name__, data))
    if not isinstance(shape, Mapping):
        raise TypeError("outputs are an object")
    return shape


def fact_of(record: Record) -> Fact:
    """An event of a log on its way to a peer."""
    name = type(record.event).__name__
    return Fact(epoch=record.epoch, seq=record.seq, event=name, body=record.body)
