"""What a small dialect of the tests adds to the rows of its runs."""

from collections.abc import Iterator
from dataclasses import replace

from floe.dialects.base import RowReaders
from floe.model.event import Event, NodeSettled, NodeStarted
from floe.model.facet import Facet
from floe.model.flow import Flow
from floe.model.ids import Json
from floe.model.run import Run


class SmallReader:
    """Facets of two kinds of rows: 0 for the values of a run, and one for each of its nodes."""

    def label(self, run: Run) -> str:
        """`DONE`, or how many nodes are open."""
        return f"{len(run.open)} OPEN" if run.state != "archive" else "DONE"

    def facets(self, run: Run) -> Iterator[Facet]:
        """Tags, steps and the phases of steps."""
        for name, value in run.values.items():
            yield Facet(kind="tag", key=f"{name}={value}", at=run.pended_at)
        for row, (node, state) in enumerate(run.nodes.items(), 1):
            yield Facet(kind="step", key=node, row=row, at=state.entered_at)
            at = state.settled_at or state.started_at or state.entered_at
            yield Facet(kind="phase", key=state.phase, row=row, at=at)

    def is_row_changed(self, event: Event) -> bool:
        """Steps that began and settled."""
        return isinstance(event, NodeStarted | NodeSettled)

    def told(self, run: Run) -> Json:
        """How many steps it has."""
        return len(run.nodes)


READERS: RowReaders = {"small": SmallReader()}


def of_small(flow: Flow) -> Flow:
    """A flow that the small dialect compiled."""
    return replace(flow, dialect="small")
