"""Deliberate bugs of runs that move: one or more for each rule of docs/cluster-protocol.md.

The model of the same rules, with judged runs, is `move`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from floe.host.peers import adopter as adopter_module
from floe.host.peers import moves as moves_module
from floe.host.peers.adopter import CANCEL, Adopter
from floe.host.peers.grantee import Grantee
from floe.host.peers.member import Member
from floe.host.peers.moves import Moves
from floe.host.peers.returned_copies import ReturnedCopy
from floe.host.placement import Placement
from floe.host.step import Step
from floe.kernel import moving as moving_module
from floe.kernel.moving import may_move
from floe.model.moving import RunReturned
from floe.model.peer_message import Fact, Returned, ReturnedStored
from floe.model.run import Run
from tests.sim.bug import SAID_UNSEEN, SPLIT, STUCK, Bug, never, patch, said_once, several
from tests.sim.mishaps import MOVES_LEAN


def _return_and_keep(self: Moves, step: Step, run: Run, facts: tuple[Fact, ...]) -> None:
    """Return a run, and go on with it."""
    _return(self, step, run, facts)
    self._site.table.put(run.ref, run)


def _return_in_memory(self: Moves, step: Step, run: Run, facts: tuple[Fact, ...]) -> None:
    """Return a run, and forget it with this process."""
    _return(self, step, run, facts)
    step.ledger[:] = [row for row in step.ledger if row.kind != "owed"]


def _return_alone(self: Moves, step: Step, run: Run, facts: tuple[Fact, ...]) -> None:
    """Return a run without the events that its adopter lacks."""
    _return(self, step, run, ())


_return = Moves._return


def _silence_is_a_return(self: Placement, step: Step) -> None:
    adopter = getattr(self._grant, "__self__", None)
    assert isinstance(adopter, Adopter)
    for run in tuple(self._site.table.runs.values()):
        member = adopter._members.by_id.get(run.host) if run.host else None
        if adopter._is_lent(run) and may_move(run) and (not member or member.stale):
            step.add(run, (RunReturned(at=step.now, epoch=run.epoch),))
    _dispatch(self, step)


_dispatch = Placement.dispatch


def _copy_without_floor(self: Step, key: str, copy: ReturnedCopy | None) -> None:
    _keep_copy(self, key, copy._replace(floor=0) if copy else None)


_keep_copy = Step.keep_copy


def _floor_of_copy_stays(self: Grantee, step: Step, key: str, epoch: int) -> None:
    """Refuse a run that was returned, and store no floor."""
    if self._site.returned.get(key) is None:
        _store_floor(self, step, key, epoch)


_store_floor = Grantee._store_floor


def _returned_without_cancel(self: Adopter, step: Step, member: Member, message: Returned) -> None:
    run = self._held_by(member, message.run, message.epoch)
    if run is not None:
        if self._extended(step, run, message.facts, is_returned=True) is None:
            return
        self._outbox.done(member.id, CANCEL, message.run)
        self._cancels.put(run.ref, None)
    step.send(member.id, member.store, ReturnedStored(run=message.run, epoch=message.epoch))


def _stored_is_said_first(self: Adopter, step: Step, member: Member, message: Returned) -> None:
    """Acknowledge a return, also one that cannot be taken."""
    step.send(member.id, member.store, ReturnedStored(run=message.run, epoch=message.epoch))


def _outlives_whatever_follows(run: Run) -> bool:
    return run.started_at is not None and may_move(replace(run, phase="active"))


MOVING_BUGS: Final[Mapping[str, Bug]] = {
    "returned-run-goes-on": Bug(
        breaks=(*SPLIT, "core_raises", "store_takes_what_is_decided"),
        seeds=range(1, 501),
        at_work=patch(Moves, _return=_return_and_keep),
        lean=MOVES_LEAN,
    ),
    "return-in-memory": Bug(
        breaks=STUCK,
        seeds=range(1, 501),
        at_work=patch(Moves, _return=_return_in_memory),
        lean=MOVES_LEAN,
    ),
    "return-without-facts": Bug(
        breaks=STUCK,
        seeds=range(1, 501),
        at_work=patch(Moves, _return=_return_alone),
        lean=MOVES_LEAN,
    ),
    "return-is-said-once": Bug(
        breaks=STUCK,
        seeds=range(1, 501),
        at_work=said_once(Returned),
        lean=MOVES_LEAN,
    ),
    "return-is-acknowledged-unread": Bug(
        breaks=STUCK,
        seeds=range(1, 501),
        at_work=several(patch(Adopter, returned=_stored_is_said_first), SAID_UNSEEN),
        lean=MOVES_LEAN,
    ),
    "offer-after-a-return-is-refused": Bug(
        breaks=(*SPLIT, *STUCK, "store_takes_what_is_decided"),
        seeds=range(1, 501),
        at_work=patch(Moves, answer_again=never),
        lean=MOVES_LEAN,
    ),
    "returned-run-is-taken-again": Bug(
        breaks=(*SPLIT, "store_takes_what_is_decided"),
        seeds=range(1, 501),
        at_work=several(
            patch(Moves, answer_again=never), patch(Step, keep_copy=_copy_without_floor)
        ),
        lean=MOVES_LEAN,
    ),
    "refusal-after-a-return-stores-no-floor": Bug(
        breaks=SPLIT,
        seeds=range(500, 1000),
        at_work=patch(Grantee, _store_floor=_floor_of_copy_stays),
        lean=MOVES_LEAN,
    ),
    "silence-is-a-return": Bug(
        breaks=SPLIT,
        seeds=range(1, 501),
        at_work=patch(Placement, dispatch=_silence_is_a_return),
        lean=MOVES_LEAN,
    ),
    "cancel-is-lost-with-the-return": Bug(
        breaks=("cancelled_run_is_not_offered", "cancelled_run_is_not_begun"),
        seeds=range(1, 501),
        at_work=patch(Adopter, returned=_returned_without_cancel),
        lean=replace(MOVES_LEAN, cancels=30),
    ),
    "run-with-files-moves": Bug(
        breaks=("moved_run_leaves_nothing",),
        seeds=range(1, 501),
        at_work=patch(moving_module, _has_files=never),
        lean=replace(MOVES_LEAN, flows=("chain",) * 6, is_unlucky=True),
    ),
    "command-may-follow-the-loss-of-its-host": Bug(
        breaks=("command_that_must_not_starts_once",),
        seeds=range(90, 590),
        at_work=several(
            patch(moves_module, outlives_host=_outlives_whatever_follows),
            patch(adopter_module, outlives_host=_outlives_whatever_follows),
        ),
        lean=replace(MOVES_LEAN, flows=("agree",) * 6, faults=("forget",) * 8, cancels=0),
    ),
}
"""By what the hub does wrong."""
