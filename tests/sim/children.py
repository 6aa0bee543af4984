"""What holds of child runs in every cluster; see `invariants`."""

from collections.abc import Iterable

from floe.host.core import HostCore
from floe.host.step_result import Recorded
from floe.kernel.items import state_of
from floe.model.children import ChildPended, SubFlow
from floe.model.event import (
    ItemSettled,
    NodeSettled,
    RetryArmed,
    RunActivated,
    RunEnded,
    RunGranted,
    RunPended,
)
from floe.model.ids import NO_ITEM, Key, RunRef, StoreId
from floe.model.work import Action
from tests.sim.disk import Disk
from tests.sim.truth import Broken, Place, Truth


def children_are_pended_with_their_records(store: StoreId, recorded: Iterable[Recorded]) -> None:
    """A child and its record in its parent are one append; neither is there without the other.

    A parent that moves here brings the records of children that were pended before; the grant that
    follows them in the same append has a later epoch.
    """
    steps = tuple(recorded)
    epochs = {step.record.run: step.record.epoch for step in steps}
    pended = {
        (step.record.run.key, str(Key.parse(event.parent.key).run))
        for step in steps
        if isinstance(event := step.record.event, RunPended)
        and event.parent is not None
        and step.record.run.store == store
    }
    named = {
        (event.run, str(step.record.run))
        for step in steps
        if isinstance(event := step.record.event, ChildPended)
        and RunRef.parse(event.run).store == store
        and step.record.epoch == epochs[step.record.run]
    }
    if pended != named:
        raise Broken(f"children_are_pended_with_their_records: {pended} but {named}")


def watch(truth: Truth, step: Recorded) -> None:
    """A fact was stored: note what it says of child runs, and judge it."""
    run, event = step.run, step.record.event
    match event:
        case ChildPended(node=node, visit=visit, item=item):
            work = run.nodes[node].work
            if isinstance(work, SubFlow) and work.wait:
                key = Key(run.ref, 0, node, visit, 0, item)
                _one_child_lives(truth, key, RunRef.parse(event.run))
        case RunEnded():
            truth.ends.add(run.ref)
        case NodeSettled(node=node) | ItemSettled(node=node) | RetryArmed(node=node):
            item = getattr(event, "item", NO_ITEM)
            old = state_of(step.before, node, item) if step.before else None
            if old is not None and isinstance(old.work, SubFlow) and old.work.wait and old.child:
                child = RunRef.parse(old.child)
                if old.phase == "started" and child not in truth.ends:
                    raise Broken(f"parent_settles_after_its_child: {run.ref.key} before {child}")
        case _:
            pass


def restart_follows_known_children(truth: Truth, disk: Disk, step: Recorded) -> None:
    """A parent whose host was lost is not granted again while a child of it lives elsewhere, as far
    as the lists of its adopter show."""
    run, event = step.run, step.record.event
    is_adopter = run.ref.store == disk.store
    if not (is_adopter and run.revoked and isinstance(event, RunGranted | RunActivated)):
        return
    if step.before is None or step.before.phase != "pending":
        return
    for row in disk.rows.values():
        is_child = row.awaited and Key.parse(row.parent).run == run.ref
        if not is_child or row.state != "active" or row.host is None or row.store is None:
            continue
        if Place(row.host, row.store) not in truth.forgotten:
            raise Broken(f"restart_follows_known_children: {run.ref.key} before {row.key}")


def waiting_run_takes_no_slot(core: HostCore) -> None:
    """Only runs with an open command take slots."""
    busy = sum(
        any(isinstance(run.nodes[node].work, Action) for node in run.open)
        for run in core.table.runs.values()
    )
    if core.table.active > busy:
        raise Broken(f"waiting_run_takes_no_slot: {core.table.active} slots, {busy} with work")


def _one_child_lives(truth: Truth, key: Key, child: RunRef) -> None:
    """No two children of a node and visit are alive whose adopters are not lost.

    A forgotten host that does not know it yet may still pend one, which lives as long as it does.
    """
    if truth.is_gone(Place(child.host, child.store)):
        return
    known = truth.children.setdefault(key, [])
    for old in known:
        is_lost = truth.is_gone(Place(old.host, old.store))
        if old not in truth.ends and not is_lost:
            raise Broken(f"one_child_lives_of_an_attempt: {old.key} and {child.key} of {key}")
    known.append(child)
