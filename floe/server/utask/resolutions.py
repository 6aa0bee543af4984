"""The routes of resolutions: how a task is taken, run, paused, extended and cancelled."""

from collections.abc import Mapping
from typing import Final

import structlog

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import (
    BLOCKED_BADREQUEST,
    BLOCKED_MAXRETRIES,
    PAUSED,
    run_max_of,
)
from floe.dialects.utask.creation import RESOLVE_KIND
from floe.model.ids import Json, Shape
from floe.model.passes import BeginPass, Extend
from floe.model.people import AddNote, EndRun, Pause, Resolve, Restart
from floe.model.run import Run
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.documents import resolution_document, resolution_id, step_document
from floe.server.utask.site import UtaskFault, UtaskSite, not_found
from floe.server.utask.tasks import delayed, remark

log = structlog.get_logger()

OVER: Final = ("CANCELLED", "RUNNING", "DONE")
"""States of resolutions in which a person changes nothing."""

AGAIN: Final = (PAUSED, BLOCKED_BADREQUEST, "CANCELLED")
"""States of resolutions that are started over."""


async def post(call: UtaskCall) -> UtaskReply:
    """Take a task, and begin its first pass; or start it over."""
    site, body = call.site, call.body
    assert call.id is not None, "its route has an id"
    run = await site.run(call.id, "task")
    given = body.map("resolver_inputs")
    is_again = body.keys.flag("start_over")
    body.check()
    state = await resolve(site, run, call.user.name, given, is_again=is_again)
    shown = resolution_document(await site.run(call.id, "task"), await site.ids.key())
    return UtaskReply(201, {**shown, "task_title": "", "state": state, "run_count": 0})


async def resolve(
    site: UtaskSite,
    run: Run,
    by: str,
    given: Mapping[str, Json],
    *,
    is_again: bool,
    once: str = "",
) -> str:
    """Take a task with values of its resolver, or start it over; the state of its resolution.

    Raises UtaskFault where that is refused, and Yours for wrong values.
    """
    _check(run, readings.resolution_state(run), is_again=is_again)
    answer = await site.judged(RESOLVE_KIND, readings.flow_of(run), _asked(run, given))
    number = await _next_number(site, run) if is_again else 0
    id = await site.ids.text(run.ref, "resolution", number)
    values = {"resolver_input": answer["resolver_input"]}
    due = None if is_again else delayed(site, run.values)
    verdict = "" if due is None else readings.TO_AUTORUN_DELAYED
    signal = (
        Restart(by=by, resolution=id, values=values)
        if is_again
        else Resolve(by=by, resolution=id, values=values, due=due, verdict=verdict)
    )
    note = AddNote(by=by, kind=readings.RESOLVER, key=by)
    await site.act(run.ref, note, "Failed to create Resolution")
    await site.act(run.ref, signal, "Failed to create Resolution", once)
    log.info("utask.resolution_created", run=str(run.ref), by=by)
    return verdict or readings.TO_AUTORUN


def _check(run: Run, state: str, *, is_again: bool) -> None:
    """Whether a task may be taken, or started over. Raises UtaskFault."""
    if is_again and not state:
        what = "can't start over a task that hasn't been resolved at least once"
        raise UtaskFault(400, what)
    if is_again and state not in AGAIN:
        raise UtaskFault(400, f"can't start over a task whose resolution is in state {state}")
    if state and not is_again:
        what = 'duplicate key value violates unique constraint "resolution_id_task_key"'
        raise UtaskFault(400, f"Failed to create Resolution: pq: {what}")
    if not state and run.phase != "resting":
        what = f"task is in state {readings.task_state(run)}"
        raise UtaskFault(400, f"Failed to create Resolution: {what}")


def _asked(run: Run, given: object) -> Shape:
    return {"document": readings.flow_of(run).document, "resolver_input": given}


async def _next_number(site: UtaskSite, run: Run) -> int:
    """The number of the next resolution of a task that is started over."""
    text = resolution_id(run, await site.ids.key())
    id = await site.ids.find(text)
    return id.number + 1 if id is not None else 1


async def show(call: UtaskCall) -> UtaskReply:
    """A resolution."""
    run = await run_of(call)
    return UtaskReply(200, resolution_document(run, await call.site.ids.key()))


async def step(call: UtaskCall) -> UtaskReply:
    """A step of a resolution."""
    if (found := step_document(await run_of(call), call.names["step"])) is None:
        raise UtaskFault(404, "Missing step")
    return UtaskReply(200, found)


async def run(call: UtaskCall) -> UtaskReply:
    """Begin a pass."""
    found = await run_of(call)
    state, why = readings.resolution_state(found), ""
    if state in OVER:
        why = {"CANCELLED": "cancelled", "RUNNING": "already running"}.get(state, "already done")
    if state != "CANCELLED":
        await remark(call.site, found.ref, call.user.name, "manually ran resolution")
    if why:
        raise UtaskFault(400, f"Can't run resolution: {why}")
    signal = BeginPass(by=call.user.name)
    await call.site.act(found.ref, signal, "Can't run resolution")
    return UtaskReply()


async def pause(call: UtaskCall) -> UtaskReply:
    """Keep a resolution at rest."""
    force = call.parameter("force") in ("true", "1", "t", "T", "TRUE", "True")
    await keep_at_rest(call.site, await run_of(call), call.user.name, force=force)
    return UtaskReply()


async def keep_at_rest(site: UtaskSite, run: Run, by: str, *, force: bool, once: str = "") -> None:
    """Pause a resolution; `force`: also in a pass. Raises UtaskFault."""
    state = readings.resolution_state(run)
    if state in OVER and not (force and state == "RUNNING"):
        raise UtaskFault(400, f"Can't pause resolution while in state {state}")
    await remark(site, run.ref, by, "manually paused resolution")
    signal = Pause(by=by, verdict=PAUSED, force=force)
    await site.act(run.ref, signal, "Can't pause resolution", once)


async def extend(call: UtaskCall) -> UtaskReply:
    """Allow a resolution as many passes again as its template has."""
    await allow_passes(call.site, await run_of(call), call.user.name)
    return UtaskReply()


async def allow_passes(site: UtaskSite, run: Run, by: str, once: str = "") -> None:
    """Extend a resolution that had all its passes. Raises UtaskFault."""
    state = readings.resolution_state(run)
    if state != BLOCKED_MAXRETRIES:
        raise UtaskFault(400, f"Cannot extend a resolution which is in state {state}")
    passes = run_max_of(readings.template_of(run))
    await remark(site, run.ref, by, "manually extended resolution")
    await site.act(run.ref, Extend(by=by, passes=passes), "Cannot extend a resolution", once)


async def cancel(call: UtaskCall) -> UtaskReply:
    """End a task that is not done."""
    found = await run_of(call)
    state = readings.resolution_state(found)
    if state in OVER:
        raise UtaskFault(400, f"Can't cancel resolution: state {state}")
    await remark(call.site, found.ref, call.user.name, "cancelled resolution")
    signal = EndRun(by=call.user.name, label="CANCELLED")
    await call.site.act(found.ref, signal, "Can't cancel resolution")
    return UtaskReply()


async def run_of(call: UtaskCall) -> Run:
    """The run of the resolution that a call names. Raises UtaskFault."""
    assert call.id is not None, "its route has an id"
    found = await call.site.run(call.id, "resolution")
    text = resolution_id(found, await call.site.ids.key())
    if text != call.names["resolution"].lower():
        raise not_found("resolution")
    return found
