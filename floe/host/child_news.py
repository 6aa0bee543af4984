"""What children of judged runs come to, as their parents here learn it: from the rows of lists.

The host with the pen of a parent gets the rows of all runs, wherever they are, so no message is
needed that would have to find that host. A child that changed here is told in the same step, one
that changed elsewhere in the step that stores its row. When a parent comes here with its pen, the
rows that were stored before are read.

Source: docs/cluster-protocol.md, "Child runs".
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from floe.host.rows import reader_of, row_of
from floe.host.site import Site
from floe.kernel.judged.children import news_of, update_of
from floe.model.event import Event, GrantRevoked, RunEnded
from floe.model.ids import Key, RunRef
from floe.model.moving import RunResumed, RunReturned
from floe.model.nouns import replace
from floe.model.run import Run
from floe.model.summary import Summary
from floe.store.base import Append

if TYPE_CHECKING:
    from floe.host.step import Step

CHILD_ROWS: Final = "child-rows"
"""Rows of the ledger: parents whose children are to be read."""


def tell_parent(step: "Step", ref: RunRef) -> None:
    """Tell the parent of a run what the run came to, if the parent is here."""
    site = step.site
    run = site.table.runs.awake.get(ref)
    if run is None:  # it ended at a peer
        if (row := step.rows[ref].summary) is not None:
            _tell(step, row)
    elif run.passes is not None and not run.superseded:
        row = row_of(run, reader_of(run, site.settings.row_readers))
        _tell(step, row, run)
        step.promise |= not _is_here(site, row)  # peers get only rows that are on the disk


def tell_parents(step: "Step", appends: Iterable[Append]) -> None:
    """Tell parents here of rows that came from peers."""
    for append in appends:
        if append.summary is not None:
            _tell(step, append.summary)


def note_arrival(step: "Step", run: Run, event: Event) -> None:
    """Have the children of a run read whose pen came here, and no longer if it left."""
    ref, passes = run.ref, run.passes
    if passes is None or not isinstance(event, RunResumed | GrantRevoked | RunReturned | RunEnded):
        return
    is_here = isinstance(event, RunResumed | GrantRevoked) and not step.site.table.is_foreign(run)
    if step.site.child_rows.put(ref.key, True if is_here and passes.children else None):
        step.keep(CHILD_ROWS, ref.key, True if ref.key in step.site.child_rows else None)


def rows_read(step: "Step", run: Run, rows: Iterable[Summary]) -> bool:
    """The rows of the children of a parent were read; return whether they were wanted."""
    if not step.site.child_rows.put(run.ref.key, None):
        return False
    step.keep(CHILD_ROWS, run.ref.key, None)
    for row in rows:
        _tell(step, row)
    return True


def unread(site: Site) -> list[RunRef]:
    """The parents here whose children are to be read."""
    refs = map(RunRef.parse, site.child_rows)
    return [ref for ref in refs if ref in site.table.runs]


def _is_here(site: Site, row: Summary) -> bool:
    """Whether the pen of the parent of a run is here."""
    ref, runs = Key.parse(row.parent).run, site.table.runs
    parent = runs.awake.get(ref)
    if parent is None:
        return ref in runs.asleep
    return not (parent.superseded or site.table.is_foreign(parent))


def _tell(step: "Step", row: Summary, run: Run | None = None) -> None:
    """Tell the parent of a run, if it is here and the row is news for it. `run`: where it is known,
    to tell more than its row does."""
    if not row.parent or row.awaited:
        return
    site, ref = step.site, Key.parse(row.parent).run
    flow = site.table.flow_of(ref) if _is_here(site, row) else None
    table = flow.states if flow is not None else None
    if table is None or not (state := news_of(row, table)):
        return
    parent = site.table.runs[ref]
    if (update := update_of(parent, row, state)) is None:
        return
    reader = reader_of(run, site.settings.row_readers) if run is not None else None
    if run is not None and reader is not None and (parent.sealed or not run.sealed):
        update = replace(update, value=reader.told(run))
    step.decide(parent, update)
