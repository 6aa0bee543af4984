"""Runs that are lost with their hosts: no host has their log, or will report their end.

This depends on the row of a run and on the forgotten stores, which are the same everywhere: so all
hosts agree, whichever they learned first.

Source: docs/cluster-protocol.md, "Forgotten stores".
"""

from dataclasses import replace

from floe.host.peers.forgotten_stores import ForgottenStores
from floe.host.peers.whereabouts import adopter_of, holder_of, pen_of
from floe.model.ids import address_of
from floe.model.summary import Summary


def is_lost(row: Summary, forgotten: ForgottenStores) -> bool:
    """Whether a run is not over and no host is left to continue it or to grant it again."""
    is_over = row.state == "archive"
    return not is_over and pen_of(row) in forgotten and adopter_of(row) in forgotten


def as_lost(row: Summary, forgotten: ForgottenStores) -> Summary:
    """The row of a lost run, as ended; any other row as it is.

    The row keeps its (epoch, seq), so that the row of any later event outranks it: the grantee may
    have accepted the run, and report that later.
    """
    if not is_lost(row, forgotten):
        return row
    pen, adopter = pen_of(row), adopter_of(row)
    why = f"host {address_of(pen)[0]} was forgotten"
    if holder_of(row) not in forgotten:
        why += f" before {row.host} reported that it has this run"
    is_pending = row.state == "pending"
    return replace(
        row,
        state="archive",
        phase="ended",
        good=False,
        result="bad",
        why=why,
        label="",
        host=None if is_pending else row.host,
        store=None if is_pending else row.store,
        ended_at=max(forgotten[pen].at, forgotten[adopter].at),
    )
