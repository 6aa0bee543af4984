"""The runs of floe's own flows that an event of a pack starts, by the flows of a host."""

from collections.abc import Sequence

from floe.host.opening_inputs import EventStart
from floe.host.pack_events import listens, pack_event, values_by
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.flows import FlowBook


def starts_by_event(
    book: FlowBook, masked: MaskedInputs, dialect: str, body: str
) -> Sequence[EventStart]:
    """The starts of the highest version of each flow, also those that its values forbid."""
    newest = {flow.id: book.find(flow.id) for flow in book.flows}
    hearing = [
        (flow, trigger, trigger.heard)
        for flow in newest.values()
        for trigger in flow.triggers
        if trigger.heard is not None
    ]
    event = pack_event(dialect, body) if hearing else None
    if event is None:
        return ()
    found = []
    for flow, trigger, heard in hearing:
        if listens(heard, event):
            values, why = values_by(trigger, event)
            if not why and (why := masked.fault_in(values, flow)):
                values = {}
            found.append(EventStart(flow, book.digest_of(flow), trigger, values, why))
    return found
