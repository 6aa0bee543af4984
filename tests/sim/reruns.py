"""People who start ended runs again, as a hub and its server do it for them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from floe.host.inputs import Reply, Start
from floe.host.peers.whereabouts import log_host
from floe.host.rerun_plan import RerunRequest, RerunSource, space_of
from floe.model.errors import Conflict, NotFound
from floe.model.ids import RunRef
from floe.model.run import Run

if TYPE_CHECKING:
    from tests.sim.machine import Machine
    from tests.sim.world import World

Answered = Callable[[], None]


def start_again(
    world: "World",
    asked: "Machine",
    ref: RunRef,
    again: RerunRequest,
    once: str,
    answered: Answered,
) -> None:
    """Somebody asks a host to start a run again; `answered` hears of the 202, or of a refusal.

    The host that has the log is asked for it; while that is away there is no answer.
    """
    holder = _holder(world, asked, ref)
    if holder is None:
        return
    core, disk = holder.core, holder.disk
    assert core is not None
    known = disk.row("once", once)
    if isinstance(known, str):
        world.accepted(holder, RunRef.parse(known), answered)
        return
    run = core.table.runs.get(ref) or (disk.run(ref) if ref in disk.logs else None)
    if run is None or run.flow is None or run.digest is None:
        world.log(holder.id, "does not have", ref.key)
        answered()
        return
    gone = _why_gone(holder, run)
    earlier = RerunSource(run=run, name=ref.key, flow=run.flow, digest=run.digest, why_gone=gone)
    try:
        start = earlier.start(again, by=once, once=once)
    except (Conflict, NotFound) as error:
        world.log(holder.id, "does not start again", f"{ref.key}: {error}")
        answered()
        return
    delay_ms = world.random.choice((1, 1, 5, 300))  # the disk tells whether the workspace is there
    world.at(delay_ms, _put, world, holder, holder.life, start, answered)


def _put(world: "World", machine: "Machine", life: int, start: Start, answered: Answered) -> None:
    if machine.life == life:
        assert start.rerun_of is not None
        world.log(machine.id, "is asked to start again", start.rerun_of.run)
        world.ask(machine, start, partial(_replied, world, machine, answered))


def _replied(world: "World", machine: "Machine", answered: Answered, reply: Reply) -> None:
    if reply.run is None:  # it was removed meanwhile
        answered()
    else:
        world.accepted(machine, reply.run, answered)


def _holder(world: "World", asked: "Machine", ref: RunRef) -> "Machine | None":
    """The host with the log of a run; None while nobody answers."""
    if asked.core is None or asked.lists is None:
        return None
    hosts = {asked.id, *asked.core.members}
    at = log_host(ref, asked.disk.rows.get(ref), hosts, asked.lists.forgotten) or asked.id
    holder, cuts = world.machines[at], world.network.cuts
    is_cut = (asked.id, at) in cuts or (at, asked.id) in cuts
    return None if holder.core is None or is_cut else holder


def _why_gone(machine: "Machine", run: Run) -> str:
    if run.host != machine.id or not (space := space_of(run)):
        return ""
    assert machine.core is not None
    if to := machine.core.moved_to(run):
        return f"it was moved to {to}"
    return "" if space in machine.spaces.made_by else "it was removed"
