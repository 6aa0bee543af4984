"""The removal of ended runs, and of flows that no run needs: what must stay is left out.

The shell chose them from the store. Since then one may have been started again, and that re-run may
even be over.
"""

from collections.abc import Container, Iterable

from floe.host.inputs import Prune
from floe.host.peers.base import PeerParts
from floe.host.peers.whereabouts import pen_of
from floe.host.run_notices import NOTIFIED
from floe.host.runs import RunTable
from floe.host.site import RECENT_MAX, Site
from floe.host.step import Step
from floe.model.ids import RunRef
from floe.model.run import Pruned
from floe.model.summary import Summary
from floe.store.sealing import RUN_KEY

COPIES = "copies"
"""Rows of the ledger: a packed run, by key, whose outputs at this host are copies of those in the
archive; their bytes."""

SWEEP = "sweep"
"""Rows of the ledger: a removed run, by key, whose files are still to be deleted; its flow."""


LATE = "late-notes"
"""Rows of the ledger: what was added to the record of a judged run, by key, after its end."""


def remove(step: Step, peers: PeerParts, prune: Prune) -> tuple[str, ...]:
    """Carry out a removal of runs and flows; return the keys of the runs."""
    site = step.site
    repeated = {old for _, old in site.repeats.items()}
    runs = [
        one
        for one in removable(site, (*prune.runs, *prune.lost))
        if one.key not in repeated and not peers.owes(RunRef.parse(one.key))
    ]
    for run in runs:
        site.repeats.put(run.key, None)
        site.removed.put_newest(run.key, True, RECENT_MAX)
        step.keep(SWEEP, run.key, run.flow)
        step.keep(NOTIFIED, run.key, None)
        step.keep(LATE, run.key, None)
        _drop_key(step, run)
        step.keep_copy(run.key, None)
        if site.moved.put(run.key, None):
            step.keep("moved", run.key, None)
    step.prunes += runs
    step.removals += [run for run in runs if run not in prune.lost]
    step.promise |= bool(runs)
    for digest in prune.flows:
        if digest not in site.flows_stored:  # else a run of this process has come to need it
            step.keep("flow", digest, None)
    return tuple(run.key for run in runs)


def receive_removals(step: Step, prunes: Iterable[Pruned]) -> None:
    """Remove what is here of runs that the hosts with their logs have removed.

    Other hosts have rows of a run from its adopter, too. So it reports the removal after them.
    """
    site = step.site
    runs = removable(site, prunes)
    own = [one for one in runs if RunRef.parse(one.key).adopter == (site.id, site.store)]
    for run in own:  # an earlier epoch may have run here
        step.keep(SWEEP, run.key, run.flow)
    for run in runs:
        _drop_key(step, run)
        step.keep_copy(run.key, None)
    step.prunes += runs
    step.removals += own


def _drop_key(step: Step, run: Pruned) -> None:
    """Drop the key of a sealed run: no copy of its log can be read from then on."""
    if step.site.seals.row(RunRef.parse(run.key)):
        step.keep(RUN_KEY, run.key, None)


def removable(site: Site, runs: Iterable[Pruned]) -> list[Pruned]:
    """Those of some runs that have ended and that no unfinished run repeats."""
    runs = list(runs)
    if not runs:
        return runs
    repeated, table = repeated_in(site.table), site.table.runs
    return [one for one in runs if RunRef.parse(one.key) not in table and one.key not in repeated]


def repeated_in(table: RunTable) -> set[str]:
    """The runs whose removal has to wait, by their keys: unfinished runs repeat them."""
    return {run.rerun_of.run for run in table.runs.values() if run.rerun_of}


def is_removed_here(
    row: Summary, own: str, forgotten: Container[str], *, is_alone: bool = False
) -> bool:
    """Whether the removal of a run is this host's: the run has ended, and its log is here.

    `own` is this host's store and `forgotten` are stores, as `h2@k3f9`.
    """
    if row.state != "archive":
        return False
    pen = pen_of(row)
    if pen in forgotten:
        return True  # each host removes its own row
    return row.phase == "packed" and (is_alone or pen == own)
