"""What children of judged runs come to, as their parents here learn it: from the rows of lists.

The host with the pen of a parent gets the rows of all runs, wherever they are, so no message is
needed that would have to find that host. A child that changed here is told in the same step, one
that changed elsewhere in the step that stores its row. When a parent comes here with its pen, the
rows that were stored before are read.

Source: docs/cluster-protocol.md, "Child runs".
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

from floe.host.rows import reader_of, row_of
from floe.host.site import Site
from floe.kernel.judged.children import news_of, update_of
from floe.kernel.judged.people import refusal
from floe.model.event import Event, GrantRevoked, RunEnded
from floe.model.ids import HostId, Key, RunRef, StoreId
from floe.model.judging import Update
from floe.model.moving import RunResumed, RunReturned
from floe.model.nouns import replace
from floe.model.passes import Passes
from floe.model.run import Run
from floe.model.summary import WENT_ON, Summary
from floe.store.base import Append

if TYPE_CHECKING:
    from floe.host.step import Step

IsGone = Callable[[HostId, StoreId], bool]
"""Whether a store was forgotten."""

CHILD_ROWS: Final = "child-rows"
"""Rows of the ledger: parents whose children are to be read."""

READ_MAX: Final = 256
"""Parents whose children are read at once."""


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


def tell_parents(step: "Step", appends: Iterable[Append], is_gone: IsGone) -> None:
    """Tell parents here of rows that came from peers, unless the run went on here since."""
    runs = step.site.table.runs.awake
    for append in appends:
        row, run = append.summary, runs.get(append.run)
        if row is not None and (run is None or run.epoch <= row.epoch):
            _tell(step, _as_lost(row, is_gone))


def note_arrival(step: "Step", run: Run, event: Event) -> None:
    """Have the children of a run read whose pen came here, and no longer if it left."""
    ref, passes = run.ref, run.passes
    if passes is None or not isinstance(event, RunResumed | GrantRevoked | RunReturned | RunEnded):
        return
    is_here = isinstance(event, RunResumed | GrantRevoked) and not step.site.table.is_foreign(run)
    if is_here and passes.children:
        _want(step, ref)
    elif step.site.child_rows.put(ref.key, None):
        step.keep(CHILD_ROWS, ref.key, None)


def note_loss(step: "Step", store: StoreId) -> None:
    """Have the children of the parents here read that a forgotten store may have adopted: it may be
    that no host has the row of one, or that its row is no end as long as its adopter may go on."""
    table = step.site.table
    awake = (run for run in table.runs.values() if run.passes and not table.is_foreign(run))
    for run in [run for run in awake if run.passes and _has_child_of(run.passes, store)]:
        _want(step, run.ref)
    for ref in [ref for ref, known in table.runs.asleep.items() if known.may_have_children]:
        _want(step, ref)


def rows_read(step: "Step", run: Run, rows: Iterable[Summary], is_gone: IsGone) -> bool:
    """The rows of the children of a parent were read; return whether they were wanted.

    A child of a store that is gone has ended if no row shows what became of it.
    """
    site = step.site
    if run.passes is None or not site.child_rows.put(run.ref.key, None):
        return False
    step.keep(CHILD_ROWS, run.ref.key, None)
    found = {row.key: row for row in rows}
    for row in found.values():
        _tell(step, _as_lost(row, is_gone))
    for key, child in run.passes.children.items():
        ref = RunRef.parse(child)
        is_known = child in found or ref in site.table.runs or key in run.passes.updates
        if not is_known and is_gone(ref.host, ref.store):
            step.decide(site.table.runs[run.ref], Update(source=child, key=key, state="bad"))
    return True


def unread(site: Site) -> list[RunRef]:
    """The parents here whose children are to be read next."""
    refs = map(RunRef.parse, site.child_rows)
    return [*islice((ref for ref in refs if ref in site.table.runs), READ_MAX)]


def _has_child_of(passes: Passes, store: StoreId) -> bool:
    return any(RunRef.parse(child).store == store for child in passes.child_keys)


def _as_lost(row: Summary, is_gone: IsGone) -> Summary:
    """The row of a child that a forgotten host gave up, as ended if its adopter is gone, too."""
    ref = RunRef.parse(row.key)
    if row.why != WENT_ON or not is_gone(ref.host, ref.store):
        return row
    return replace(row, why=f"host {ref.host} was forgotten", label="")


def _want(step: "Step", ref: RunRef) -> None:
    if step.site.child_rows.put(ref.key, True):
        step.keep(CHILD_ROWS, ref.key, True)


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
        told = replace(update, value=reader.told(run))
        update = update if refusal(parent, told) else told  # one that is too large has no value
    step.decide(parent, update)
