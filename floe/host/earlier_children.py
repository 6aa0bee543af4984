"""Parents that start again: each waits for the children of its lost starts that the lists show.

The host of a parent was forgotten, and with it what it knew of its children. The lists still have
the rows of those that run elsewhere: the hub reads them for each such parent, and the core grants
none before.

Source: docs/cluster-protocol.md, "Child runs".
"""

from collections.abc import Iterable

from floe.host.inputs import ChildrenLeft
from floe.host.site import RECENT_MAX, Site
from floe.model.children import SubFlow
from floe.model.ids import Key, RunRef
from floe.model.run import Run
from floe.store.base import Append

UNREAD = ("the list of its earlier child runs",)
"""What a parent waits for until the hub has read the rows of its children."""


def may_have_children_left(run: Run) -> bool:
    """Whether a pending run may have had children that it waited for, on a host that was lost."""
    if not run.revoked or run.flow is None:
        return False
    return any(isinstance(node.work, SubFlow) and node.work.wait for node in run.flow.nodes)


def children_left(site: Site, ref: RunRef) -> tuple[str, ...]:
    """What a pend waits for before a host may get it; nothing for most."""
    run = site.table.runs[ref]
    if not may_have_children_left(run):
        return ()
    known = site.children_left.get(ref)
    return known.names if known is not None and known.epoch == run.epoch else UNREAD


def restarting(site: Site) -> dict[RunRef, ChildrenLeft]:
    """The parents that wait for a host again and may have children left, none of them read yet."""
    runs = (site.table.runs[ref] for ref in sorted(site.table.restarts))
    return {
        run.ref: ChildrenLeft(epoch=run.epoch, rows=_rows_of(site, run.ref))
        for run in runs
        if may_have_children_left(run)
    }


def has_unread(site: Site) -> bool:
    """Whether the children of a parent that waits for a host again are to be read."""
    return any(children_left(site, ref) == UNREAD for ref in site.table.restarts)


def note_children_left(site: Site, run: Run, left: ChildrenLeft) -> bool:
    """The rows of the children of a parent were read; return whether anything changed."""
    is_late = (run.epoch, _rows_of(site, run.ref)) != (left.epoch, left.rows)
    if is_late or run.ref not in site.table.pends or site.children_left.get(run.ref) == left:
        return False
    site.children_left.put_newest(run.ref, left, RECENT_MAX)
    return True


def note_rows(site: Site, rows: Iterable[Append]) -> None:
    """Note rows from peers of earlier children: those of a parent with a living one are to be read
    again."""
    for row in (append.summary for append in rows):
        if row is None or not row.awaited or row.state == "archive":
            continue
        ref = Key.parse(row.parent).run
        if ref in site.table.pends and may_have_children_left(run := site.table.runs[ref]):
            unread = ChildrenLeft(epoch=run.epoch, rows=_rows_of(site, ref) + 1, names=UNREAD)
            site.children_left.put_newest(ref, unread, RECENT_MAX)


def _rows_of(site: Site, ref: RunRef) -> int:
    known = site.children_left.get(ref)
    return known.rows if known else 0
