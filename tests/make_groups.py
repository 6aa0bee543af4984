"""Flows with `max-runs`, and what became of their runs."""

from typing import Any

from floe.expr.template import template_of, template_parts
from floe.kernel.place import Refusals
from floe.model.event import RunEnded
from floe.model.flow import Flow, MaxRuns, WhenFull
from floe.model.ids import RunRef
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host

PER = template_of(template_parts("{{ values.branch }}"))


def limited(when_full: WhenFull = "queue", limit: int = 1, **others: Any) -> Flow:
    """A flow of one command and `max-runs` for each branch."""
    max_runs = MaxRuns(limit=limit, per=PER, when_full=when_full)
    return a_flow(a_node("build"), an_end(), max_runs=max_runs, **others)


def state(host: Host, ref: RunRef) -> str:
    """The phase of a run, with its reason once it is over; also of one that left the table."""
    run = host.core.table.runs.get(ref)
    if run is not None and run.phase not in ("ended", "packed"):
        return run.phase
    if ref in host.logs:
        end = host.events(ref)[-1]
        if isinstance(end, RunEnded):
            return end.why
    return host.directory[ref.key].why


def waits_for(host: Host, ref: RunRef) -> str:
    """What keeps a place from a run, as its host explains it."""
    placed = host.core.place(host.core.table.pends[ref], host.now)
    assert isinstance(placed, Refusals)
    return "; ".join(placed.resources)
