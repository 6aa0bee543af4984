"""The action `subtask`: a task of a different template, and what it comes to.

The first execution opens it. Later ones find it by the id in the output of the step, or by the key
under which the step opened it; the end of the task begins the next pass of its parent.
"""

from collections.abc import Mapping
from typing import Final

from floe.calls.utask.action import (
    ActionCall,
    ActionFailed,
    CameTo,
    ClientError,
    NotAssigned,
    ServerError,
    ToRetry,
    map_of,
)
from floe.calls.utask.callback import key_of_ids
from floe.calls.utask.openings import TemplateOpenings, hub_of, json_of
from floe.dialects.utask import readings
from floe.dialects.utask.compiled import DIALECT
from floe.dialects.utask.ids import id_in
from floe.model.errors import FloeError
from floe.model.ids import Json, Key
from floe.model.run import Run
from floe.nodes.call_ground import CallGround

_NAMES: Final = ("result", "resolver_username", "requester_username")
ENDED_BADLY: Final = ("CANCELLED", "WONTFIX", "BLOCKED")


def child_key(action: str, key: Key, *number: int) -> str:
    """The key of a task that a step opens: of its updates, too."""
    return ".".join(map(str, (f"{action}:{key.node}", key.visit, key.item, *number)))


async def subtask(call: ActionCall, ground: CallGround) -> CameTo:
    """Open the task, or look what it came to."""
    key = _known(call)
    if key is None:
        raise await _opened(call, ground)
    shown = await _shown(call, ground, key)
    came_to, state, id = CameTo(output=shown), str(shown["state"]), shown["id"]
    match state:
        case "DONE":
            return came_to
        case "TODO":
            is_manual = shown["resolver_username"] is None
            what = "is waiting for human validation" if is_manual else "will start shortly"
            raise NotAssigned(f'Task "{id}" {what}', came_to, awaits=(key,))
        case "RUNNING":
            failed: ActionFailed = ToRetry(f'Task "{id}" is currently RUNNING', came_to)
        case _ if state in ENDED_BADLY:
            raise ClientError(f"Task '{id}' changed state: {state.lower()}", came_to)
        case _:
            why = f'Task "{id}" not done yet (current state is {state})'
            failed = ServerError(why, came_to)
    failed.awaits = (key,)
    raise failed


def _known(call: ActionCall) -> str | None:
    """The key of the task that the step has opened; None for none."""
    before = map_of(call.output).get("id")
    for key, id in call.children.items():
        if before and id == before and key.startswith("subtask:"):
            return key
    own = child_key("subtask", call.job.key)
    return own if own in call.children else None


async def _opened(call: ActionCall, ground: CallGround) -> NotAssigned:
    """The end of the execution that opens the task. Raises ClientError, ServerError."""
    name, key = call.text("template"), child_key("subtask", call.job.key)
    openings = TemplateOpenings(call, ground, name, "sub-task template")
    await openings.check_depth()
    given = call.entries("input")
    if text := call.text("json_input"):
        more = json_of(text, "json_input")
        if not isinstance(more, Mapping):
            raise ClientError("`json_input` is an object")
        given |= more
    task_id = call.task.get("task_id") or ""
    asked = openings.request(given, f"Auto created subtask, parent task {task_id}")
    opening = await openings.opened(key, asked)
    is_auto = openings.template.auto_runnable
    shown: dict[str, Json] = {
        "id": None,
        "state": "TODO",
        "result": openings.template.result_format or None,
        "resolver_username": asked.requester_username if is_auto else None,
        "requester_username": asked.requester_username,
    }
    why = f'A task of "{name}" ' + ("will start shortly" if is_auto else "waits for a person")
    return NotAssigned(why, CameTo(output=shown, opens=(opening,)), awaits=(key,))


async def _shown(call: ActionCall, ground: CallGround, key: str) -> dict[str, Json]:
    """What is known of the task. In the pass that opened it, it has not begun."""
    id, before = call.children[key], map_of(call.output)
    if call.try_count <= 1 and before.get("state") == "TODO":
        return {**before, "id": id}
    update, kept = call.updates.get(key), {name: before.get(name) for name in _NAMES}
    if (run := await _run(call, ground, id)) is not None:
        return {"id": id, **readings.told(run)}
    if update is None:
        return {**kept, "id": id, "state": "TODO"}
    found = map_of(update.get("value"))
    return {**kept, **found, "id": id, "state": str(update.get("state") or "")}


async def _run(call: ActionCall, ground: CallGround, id: str) -> Run | None:
    """The run of the task, if its log is at this host."""
    hub, own = hub_of(ground), call.job.key.run
    found = id_in(id, [(own.host, own.store)], await key_of_ids(ground.rows))
    if found is None:
        return None
    try:
        run = await hub.reads.run(found.run.key)
    except FloeError:  # it was removed, or its log is elsewhere: the update has its end
        return None
    return run if run.flow is not None and run.flow.dialect == DIALECT else None
