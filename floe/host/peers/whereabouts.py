"""Which host has the log of a run, as far as this host's lists know.

Source: docs/cluster-protocol.md, "Any host answers".
"""

from collections.abc import Collection

from floe.host.peers.lost import ForgottenStores, pen_of
from floe.model.refs import HostId, RunRef, address_key
from floe.model.run import Summary


def log_host(
    ref: RunRef,
    row: Summary | None,
    hosts: Collection[HostId | None],
    forgotten: ForgottenStores,
) -> HostId | None:
    """The host that has a run's log; None for a run that no host can be asked about.

    `row` is the run's row in the lists, `hosts` are the other hosts that are known now.
    """
    is_gone = address_key(ref.host, ref.store) in forgotten
    if row is None and (is_gone or ref.host not in hosts):
        return None
    if row is None or row.state == "pending":
        return ref.host
    if row.state == "active" and pen_of(row) in forgotten:
        return ref.host  # its adopter takes it back
    return row.host or ref.host
