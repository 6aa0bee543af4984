"""Events on their way between two hosts, with the JSON text that the sender stored."""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from floe.kernel.evolve import evolve
from floe.model.codec import Body, decode_event, from_text, to_text
from floe.model.errors import KeyMissing
from floe.model.event import Event
from floe.model.ids import Json, RunRef
from floe.model.moving import RunReturned
from floe.model.peer_message import Ended, Fact
from floe.model.run import Run
from floe.store.base import Record
from floe.store.sealing import Opened, Seals

UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, AssertionError, KeyMissing)
"""What a fact raises that a newer floe wrote, or no floe at all, or whose key is missing."""

END: Final = 0
"""In place of a sequence number: the outputs of a run are bound to no event of its log."""


def event_of(fact: Fact, run: RunRef, opened: Opened) -> Event:
    """The event in a fact of a run; `opened` decrypts it. Raises what `UNREADABLE` lists."""
    shape = from_text(opened(run, fact.seq, fact.event, fact.body))
    if not isinstance(shape, Mapping):
        raise TypeError("a fact is an object")
    return decode_event(fact.event, shape)


def events_after(
    run: Run, facts: Sequence[Fact], opened: Opened, *, is_returned: bool
) -> list[tuple[Event, Body]]:
    """The events of a run at a peer that this host lacks, each with its text.

    `is_returned`: whether the last one is to be RunReturned, and else none. Raises what
    `UNREADABLE` lists for events that do not continue the log here.
    """
    new = [fact for fact in facts if fact.seq > run.seq]
    if [fact.seq for fact in new] != [*range(run.seq + 1, run.seq + 1 + len(new))]:
        raise ValueError(f"they do not follow event {run.seq}")
    events = [event_of(fact, run.ref, opened) for fact in new]
    returns = [isinstance(event, RunReturned) for event in events]
    if returns != [False] * (len(events) - is_returned) + [True] * is_returned:
        raise ValueError("they do not end as the message says")
    before = after = run
    for event in events:
        before, after = after, evolve(after, event)
        if after.epoch != run.epoch:
            raise ValueError(f"they are of epoch {after.epoch}, not {run.epoch}")
    last = before if is_returned else after
    if new and (last.phase not in ("active", "resting") or last.host != run.host):
        raise ValueError(f"the run is not at {run.host} after them")
    if (
        run.flow is not None
        and run.passes is None
        and not last.nodes.keys() <= run.flow.by_id.keys()
    ):
        raise ValueError("they name a node that the flow lacks")
    return [(event, fact.body) for event, fact in zip(events, new, strict=True)]


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
