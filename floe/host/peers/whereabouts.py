"""Where a run is, and which host has its log, as far as this host's lists know.

Source: docs/cluster-protocol.md, "Any host answers".
"""

from collections.abc import Collection, Container

from floe.model.ids import HostId, RunRef, address_key
from floe.model.summary import Summary


def adopter_of(row: Summary) -> str:
    """The whereabouts of a run at first: where it was adopted, `h2@k3f9`."""
    ref = RunRef.parse(row.key)
    return address_key(ref.host, ref.store)


def holder_of(row: Summary) -> str:
    """The whereabouts of a run: where it is, was or was granted to, else was adopted: `h2@k3f9`."""
    return address_key(row.host, row.store) if row.host else adopter_of(row)


def pen_of(row: Summary) -> str:
    """Where a run's log is, as far as its row knows, `h2@k3f9`."""
    return adopter_of(row) if row.state == "pending" else holder_of(row)


def log_host(
    ref: RunRef,
    row: Summary | None,
    hosts: Collection[HostId | None],
    forgotten: Container[str],
) -> HostId | None:
    """The whereabouts of a run's log: its host; None for a run that no host can be asked about.

    `row` is the run's row in the lists, `hosts` are the other hosts that are known now,
    `forgotten` are stores, as `h2@k3f9`.
    """
    is_gone = address_key(ref.host, ref.store) in forgotten
    if row is None and (is_gone or ref.host not in hosts):
        return None
    if row is None or row.state == "pending":
        return ref.host
    if row.state == "active" and pen_of(row) in forgotten:
        return ref.host  # its adopter takes it back
    return row.host or ref.host
