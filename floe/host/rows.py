"""The row of a run in lists, with what the dialect of its flow adds."""

from floe.dialects.base import RowReader, RowReaders
from floe.host.runs import is_row_changed
from floe.model.event import Event
from floe.model.facet import aligned
from floe.model.ids import Instant
from floe.model.nouns import replace
from floe.model.run import NodeState, Run
from floe.model.summary import Summary, summary_of


def reader_of(run: Run, readers: RowReaders) -> RowReader | None:
    """The reader of the dialect of a run; None for floe's own, and before the flow is read."""
    flow = run.flow
    return readers.get(flow.dialect) if flow is not None and flow.dialect else None


def row_of(run: Run, reader: RowReader | None) -> Summary:
    """The row of a run, with what its dialect adds."""
    row = summary_of(run)
    if reader is None:
        return row
    return replace(
        row,
        label=reader.label(run),
        active_at=_last_work(run),
        facets=aligned(reader.facets(run)),
    )


def has_new_row(old: Run | None, run: Run, event: Event, reader: RowReader | None) -> bool:
    """Whether an event changed the row of its run, apart from `seq`."""
    if is_row_changed(old, run):
        return True
    return reader is not None and reader.is_row_changed(event)


def _last_work(run: Run) -> Instant:
    """When the last work of a run was stored: that of its attempts, or of the run as a whole."""
    found = [run.pended_at, run.started_at, run.ending_at, run.ended_at]
    for state in run.nodes.values():
        for part in state.parts():
            found += _instants(part)
    return max(at for at in found if at is not None)


def _instants(part: NodeState) -> tuple[Instant | None, ...]:
    return part.queued_at, part.started_at, part.asked_at, part.settled_at
