"""The files of a simulated host, and their removal with ended runs.

Does what `nodes/workspaces` and `hub/ended/pruning` do, with the rules of the host's core.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from floe.host.inputs import Mark, Prune, Reply
from floe.host.peers.whereabouts import pen_of
from floe.host.removal import SWEEP, is_removed_here, repeated_in
from floe.host.retention import LOOK_S, EndedRun, Retention
from floe.host.run_notices import NOTICES
from floe.host.site import workspace_of
from floe.model.ids import Instant, RunRef
from floe.model.keep import Keep
from floe.model.run import Run
from floe.model.summary import Summary
from floe.store.base import LedgerWrite
from floe.store.rules import sort_key_of
from tests.sim.flows import DIGESTS, FLOWS

if TYPE_CHECKING:
    from tests.sim.machine import Machine

BATCH: Final = 2
"""Runs removed in one transaction."""

QUIET_MS: Final = 400
"""A batch waits up to this for a quiet moment."""

SWEEP_MS: Final = 600

FILES: Final = "files of a run"
"""What is removed after its run, as points name it."""


@dataclass(slots=True)
class Spaces:
    """The workspaces of a host, which no hub's process takes with it."""

    made_by: dict[str, RunRef] = field(default_factory=dict)
    """By folder the run that made what is in it."""
    _begun: set[tuple[str, int]] = field(default_factory=set)

    def ready(self, run: Run) -> RunRef:
        """Make a run's workspace, or take that of an earlier run; return who made its content."""
        folder, note = run.workspace, (run.workspace, run.epoch)
        if folder not in self.made_by:
            self.made_by[folder] = self.made_by.pop(run.moved_from, run.ref)
        elif run.epoch > 1 and note not in self._begun:
            self.made_by[folder] = run.ref  # that of an earlier epoch is emptied
        self._begun.add(note)
        return self.made_by[folder]

    def remove(self, folder: str) -> None:
        """Delete a workspace."""
        self.made_by.pop(folder, None)


def prune(machine: "Machine", keep: Keep) -> None:
    """Remove ended runs and workspaces that are not kept, a few at a time."""
    assert machine.core is not None
    assert machine.lists is not None
    disk, own = machine.disk, str(machine.place)
    rows = sorted(disk.rows.values(), key=sort_key_of, reverse=True)
    owed, forgotten = disk.texts.get(NOTICES, {}), machine.lists.forgotten
    shown, moving = {row.rerun_of for row in rows}, repeated_in(machine.core.table)
    rule = Retention(Instant(machine.now() + 2 * LOOK_S * 1000), keep)
    removed: list[EndedRun] = []
    why: dict[str, str] = {}
    for row in rows:
        if row.key in owed or not is_removed_here(row, own, forgotten):
            continue
        folder = _folder(machine, row)
        run = EndedRun(
            key=row.key,
            flow=row.flow,
            result=row.result,
            ended_at=row.ended_at or row.pended_at,
            epoch=row.epoch,
            space_bytes=1 if folder in machine.spaces.made_by else None,
            is_shown=row.key in shown,
            is_lost=pen_of(row) in forgotten,
            is_moving=row.key in moving,
        )
        verdict = rule.judge(run)
        if verdict.run:
            removed.append(run)
            why[row.key] = verdict.run
        elif verdict.space:
            _drop(machine, row.key, folder)
    for first in range(0, len(removed), BATCH):
        delay_ms = machine.random.randrange(1, QUIET_MS)
        some = removed[first : first + BATCH]
        batch = [run.removed(machine.now(), why[run.key]) for run in some]
        lost = {run.key for run in some if run.is_lost}
        request = Prune(
            runs=tuple(one for one in batch if one.key not in lost),
            lost=tuple(one for one in batch if one.key in lost),
        )
        machine.world.at(delay_ms, _remove, machine, machine.life, request)


def sweep(machine: "Machine", life: int) -> None:
    """Delete the files of removed runs that are still there."""
    if machine.life == life and machine.core is not None:
        left = [RunRef.parse(key) for key in machine.disk.texts.get(SWEEP, {})]
        if left:
            machine.guarded(_delete, machine, left)


def _remove(machine: "Machine", life: int, request: Prune) -> None:
    if machine.life == life and machine.core is not None:

        def then(reply: Reply) -> None:
            if reply.removed:
                _delete(machine, [RunRef.parse(key) for key in reply.removed])

        machine.removing.update(one.key for one in (*request.runs, *request.lost))
        machine.world.ask(machine, request, then)


def _delete(machine: "Machine", refs: Sequence[RunRef]) -> None:
    machine.pass_point("before", FILES)
    flows = machine.disk.ledger(SWEEP)
    for ref in refs:
        if flow := flows.get(ref.key):
            _drop(machine, ref.key, f"{machine.settings.workspace_root}/spaces/{flow}/ws/{ref.key}")
    machine.pass_point("after", FILES)
    rows = tuple(LedgerWrite(kind=SWEEP, key=ref.key, value=None) for ref in refs)
    machine.say(Mark(rows=rows, promise=False))


def _drop(machine: "Machine", key: str, folder: str) -> None:
    """Delete a workspace, unless a run that repeats its run has just come to need it."""
    assert machine.core is not None
    if key not in repeated_in(machine.core.table):
        machine.spaces.remove(folder)


def _folder(machine: "Machine", row: Summary) -> str:
    flow = FLOWS[DIGESTS[row.flow]]
    return workspace_of(machine.settings.workspace_root, flow, RunRef.parse(row.key))
