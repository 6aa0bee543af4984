"""Invariants of runs that move, for any cluster; the model of the rules is `move`."""

from floe.host.step_result import Recorded
from floe.model.event import RunEnded, RunGranted
from floe.model.ids import Key, RunRef
from floe.model.moving import RunReturned
from floe.model.nouns import replace
from floe.model.peer_message import Envelope, RestedStored, Returned, ReturnedStored
from tests.sim.disk import Disk
from tests.sim.truth import Broken, Place, Truth


def moved_run_keeps_what_is_done(step: Recorded) -> None:
    """A run that moves has the same nodes, open forms and tags before and after."""
    before, run = step.before, step.run
    assert before is not None, "it began before"
    kept = [(one.nodes, one.open, one.standing, one.started_at) for one in (before, run)]
    if kept[0] != kept[1] or not run.open:
        raise Broken(f"moved_run_keeps_what_is_done: {run.ref} {step.record.event}")


def moved_run_leaves_nothing(truth: Truth, place: Place, step: Recorded) -> None:
    """A run that is returned never had a process on the host that returns it."""
    ref = step.run.ref
    if any(key.run == ref and at == place for key, at in truth.starts.items()):
        raise Broken(f"moved_run_leaves_nothing: {ref} on {place}")


def command_that_must_not_starts_once(truth: Truth, key: Key) -> None:
    """With `on-host-lost: fail`, no attempt starts under two epochs of its run."""
    branch = truth.branches.get((key.run, key.epoch))
    if branch is None or branch.flow.on_host_lost == "restart":
        return
    for epoch in range(1, key.epoch):
        if replace(key, epoch=epoch) in truth.starts:
            raise Broken(f"command_that_must_not_starts_once: {key}, also under {epoch}")


def what_moves_is_stored(disk: Disk, envelope: Envelope) -> None:
    """A host has stored what it says of a run that moves."""
    match envelope.message:
        case Returned(run=key, epoch=epoch, facts=facts):
            log = disk.logs.get(RunRef.parse(key), [])
            last = facts[-1]
            # The adopter may have removed the run, and its acknowledgement is on the way.
            is_true = key in disk.pruned or any(
                isinstance(r.event, RunReturned) and (r.epoch, r.seq) == (epoch, last.seq)
                for r in log
            )
        case ReturnedStored(run=key, epoch=epoch):
            log = disk.logs.get(RunRef.parse(key), [])
            # A store that was restored from a backup returns what a different store had.
            is_theirs = any(
                isinstance(r.event, RunGranted)
                and (r.epoch, r.event.store) == (epoch, envelope.to_store)
                for r in log
            )
            is_true = (
                key in disk.pruned
                or not is_theirs
                or any(
                    (isinstance(r.event, RunReturned | RunEnded) and r.epoch == epoch)
                    or (isinstance(r.event, RunGranted) and r.epoch > epoch)
                    for r in log
                )
            )
        case RestedStored(run=key, seq=seq):
            is_true = len(disk.logs.get(RunRef.parse(key), [])) >= seq
        case _:
            return
    if not is_true:
        raise Broken(f"what_is_said_is_stored: {envelope.from_host}: {envelope.message}")
