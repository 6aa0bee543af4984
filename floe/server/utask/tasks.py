"""The routes of tasks."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import uuid4

import structlog

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import PAUSED, template_of
from floe.dialects.utask.configurations import PARENT_TAG
from floe.dialects.utask.creation import (
    CREATE_KIND,
    SAVE_KIND,
    TaskRequest,
    creation_body,
    first_pass,
    opening_of,
    values_of,
    with_passwords,
)
from floe.dialects.utask.given_inputs import filled
from floe.dialects.utask.readings import TO_AUTORUN_DELAYED
from floe.host.opening_inputs import OpenRun
from floe.model.codec import iso
from floe.model.errors import Conflict, Yours
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, RunRef, Shape
from floe.model.people import AddNote, Edit, EndRun, Resolve
from floe.model.run import Run
from floe.server.utask.calls import CallBody, UtaskCall, UtaskReply
from floe.server.utask.comments import COMMENT, comments_of
from floe.server.utask.documents import task_document
from floe.server.utask.site import UtaskFault, UtaskSite

log = structlog.get_logger()

RUNNING: Final = ("RUNNING", "BLOCKED")
"""States of tasks that are not deleted."""

EDITED: Final = "manually edited task"

REMOVED_AGAIN_S: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between the tries to remove a task that has work left."""


async def post(call: UtaskCall) -> UtaskReply:
    """Create a task."""
    body, site = call.body, call.site
    name, asked = body.keys.text("template_name"), requested(call, body)
    flow = site.template(name)
    run = await opened(site, flow, await judged(site, flow, asked))
    return UtaskReply(201, await new_document(site, run))


def requested(call: UtaskCall, body: CallBody) -> TaskRequest:
    """What a body asks a task to be. Raises Yours."""
    comment = body.keys.text("comment")
    asked = TaskRequest(
        input=body.map("input"),
        tags=body.text_map("tags"),
        comment={"id": str(uuid4()), "content": comment} if comment else {},
        requester_username=call.user.name,
        requester_groups=call.user.groups,
        watcher_usernames=body.texts("watcher_usernames"),
        watcher_groups=body.texts("watcher_groups"),
        resolver_usernames=body.texts("resolver_usernames"),
        resolver_groups=body.texts("resolver_groups"),
        delay=body.keys.text("delay"),
    )
    body.check()
    return asked


async def judged(site: UtaskSite, flow: Flow, asked: TaskRequest) -> Shape:
    """The values of a task of a template, if it may be. Raises UtaskFault, Yours, World."""
    template = template_of(flow)
    if template.blocked:
        raise UtaskFault(400, "Template not available (blocked)")
    await site.ids.key()  # before the first run: its evaluator needs it
    body = creation_body(flow, asked, iso(site.hub.clock.now()) or "")
    return await site.judged(CREATE_KIND, flow, body)


async def opened(site: UtaskSite, flow: Flow, answer: Shape) -> Run:
    """The run of a task that was judged, which is on the disk. Raises Yours, Busy, World."""
    asked = run_asked(site, flow, answer)
    due = delayed(site, asked.values) if template_of(flow).auto_runnable else None
    done = await site.hub.open(asked)
    log.info("utask.task_created", template=flow.name, run=done.id)
    run = await site.hub.reads.run_at(done.row.key, 1)
    if due is None:
        return run
    id = await site.ids.text(run.ref, "resolution")
    signal = Resolve(by=asked.by, resolution=id, due=due, verdict=TO_AUTORUN_DELAYED)
    await site.act(run.ref, signal, "Failed to create Resolution")
    return await site.hub.reads.run(done.row.key)


def run_asked(site: UtaskSite, flow: Flow, answer: Shape, once: str = "") -> OpenRun:
    """The run of a task that was judged, to be opened. Raises Yours."""
    opening = opening_of(answer, template_of(flow))
    return OpenRun(
        flow=flow,
        digest=site.digest(flow),
        trigger=opening.trigger,
        values=opening.values,
        by=opening.by,
        title=opening.title,
        verdict=opening.verdict,
        once=once,
    )


def delayed(site: UtaskSite, values: Mapping[str, Json]) -> Instant | None:
    """When the first pass of a task with a delay begins; None for at once. Raises UtaskFault."""
    text = str(cast(Shape, values["task"]).get("delay", ""))
    try:
        return first_pass(text, site.hub.clock.now())
    except Yours as error:
        raise UtaskFault(400, f"Failed to create Resolution: {error}") from None


async def new_document(site: UtaskSite, run: Run) -> Shape:
    """A task as its caller sees it when it begins."""
    shown = await _document(site, run)
    given = cast(Mapping[str, Json], run.values["input"])
    shown["input"] = filled(readings.template_of(run).inputs, given)
    if shown["state"] == "RUNNING":
        shown["state"] = "TODO"
    return shown


async def show(call: UtaskCall) -> UtaskReply:
    """A task."""
    return UtaskReply(200, await _document(call.site, await _run(call)))


async def put(call: UtaskCall) -> UtaskReply:
    """Replace the input, the watchers and the tags of a task."""
    run, body, site = await _run(call), call.body, call.site
    assert run.passes is not None, "a run of utask is judged"
    if readings.resolution_state(run) not in ("", PAUSED):
        what = "Cannot update a task which resolution is not in state 'PAUSED'"
        raise UtaskFault(400, what)
    flow, template = readings.flow_of(run), readings.template_of(run)
    known = cast(Mapping[str, Any], run.values)
    tags = body.text_map("tags")
    if tags.get(PARENT_TAG) != readings.tags_of(run).get(PARENT_TAG):
        raise UtaskFault(400, f'tag name "{PARENT_TAG}" not allowed')
    changes: Shape = {
        "watcher_usernames": body.texts("watcher_usernames"),
        "watcher_groups": body.texts("watcher_groups"),
        "tags": tags,
        "notes": len(run.passes.notes),
    }
    given = with_passwords(template.inputs, body.map("input"), known["input"])
    body.check()
    task = {name: value for name, value in {**known["task"], **changes}.items() if value}
    asked = {"document": flow.document, "input": given, "task": task}
    answer = values_of(await site.judged(SAVE_KIND, flow, asked))
    edit = Edit(
        by=call.user.name,
        base=run.passes.base,
        digest=run.digest or "",
        flow=flow,
        values={**known, **answer},
    )
    await site.act(run.ref, edit, "Failed to update task")
    await remark(site, run.ref, call.user.name, EDITED)
    return UtaskReply(200, await _document(site, await _run(call)))


async def wontfix(call: UtaskCall) -> UtaskReply:
    """End a task that has not begun."""
    await leave(call.site, await _run(call), call.user.name)
    return UtaskReply()


async def leave(site: UtaskSite, run: Run, by: str, once: str = "") -> None:
    """End a task that has not begun as one that is not to be done. Raises UtaskFault."""
    state = readings.task_state(run)
    if state != "TODO" or readings.resolution_state(run):
        raise UtaskFault(400, f"Can't set task's state to WONTFIX: task is in state {state}")
    await remark(site, run.ref, by, "changed task state to WONTFIX")
    end = EndRun(by=by, label=readings.WONTFIX)
    await site.act(run.ref, end, "Can't set task's state to WONTFIX", once)


async def delete(call: UtaskCall) -> UtaskReply:
    """Delete a task permanently, with its resolution and its comments."""
    run = await _run(call)
    if (state := readings.task_state(run)) in RUNNING:
        raise UtaskFault(400, f"Can't delete a task in state {state!r}")
    if run.phase not in ("ended", "packed"):
        end = EndRun(by=call.user.name, label="CANCELLED", why="the task is deleted")
        await call.site.act(run.ref, end, "Can't delete the task")
    await _removed(call.site, run.ref, f"{call.user.name} deleted the task")
    log.info("utask.task_deleted", run=str(run.ref), by=call.user.name)
    return UtaskReply()


async def _removed(site: UtaskSite, run: RunRef, why: str) -> None:
    """Remove a task that is over. Raises Conflict where it must stay yet.

    A task that has just ended has work left for a moment: its parent learns of the end.
    """
    for wait_s in (*REMOVED_AGAIN_S, None):
        try:
            await site.hub.people.remove(run, why)
        except Conflict:
            if wait_s is None:
                raise
            await asyncio.sleep(wait_s)
        else:
            return


async def remark(site: UtaskSite, run: RunRef, by: str, content: str) -> None:
    """Add a comment that the API itself makes."""
    note = AddNote(by=by, kind=COMMENT, key=str(uuid4()), value={"content": content})
    await site.hub.people.note(run, note)


async def _document(site: UtaskSite, run: Run) -> Shape:
    comments: list[Json] = [*(await comments_of(site, run))]
    shown = task_document(run, await site.ids.key())
    return shown | ({"comments": comments} if comments else {})


async def _run(call: UtaskCall) -> Run:
    assert call.id is not None, "its route has an id"
    return await call.site.run(call.id, "task")
