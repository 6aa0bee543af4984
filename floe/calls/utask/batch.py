"""The action `batch`: many tasks of one template, some at a time, and the end of all of them.

What it has opened follows from the keys of the tasks, and what they came to from their updates: so
the pass that the last task of a part wakes opens the next part.
"""

import json
from collections.abc import Mapping
from typing import cast
from uuid import uuid4

from floe.calls.utask.action import ActionCall, CameTo, ClientError, NotAssigned
from floe.calls.utask.openings import TemplateOpenings, json_of
from floe.calls.utask.subtask import ENDED_BADLY, child_key
from floe.dialects.utask.creation import batch_inputs
from floe.model.codec import to_text
from floe.model.errors import Yours
from floe.model.ids import Json
from floe.model.opening import CHILDREN_MAX, ChildOpening
from floe.nodes.call_ground import CallGround


async def batch(call: ActionCall, ground: CallGround) -> CameTo:
    """Open the next part of the batch, or find that all its tasks are done."""
    inputs = _inputs(call)
    if not inputs:
        return CameTo(metadata={"batch_id": "", "remaining_tasks": 0, "tasks_started": 0})
    keys = [child_key("batch", call.job.key, number) for number in range(len(inputs))]
    started = [key for key in keys if key in call.children]
    states = {key: str(call.updates.get(key, {}).get("state") or "") for key in started}
    running = [key for key in started if states[key] != "DONE"]
    if bad := [key for key in running if states[key] in ENDED_BADLY]:
        shown = ", ".join(f"'{call.children[key]}' is {states[key].lower()}" for key in bad[:10])
        raise ClientError(f"{len(bad)} tasks of the batch did not end well: {shown}")
    rest = [number for number, key in enumerate(keys) if key not in call.children]
    id = _id(call) or str(uuid4())
    next_ = rest[: max(0, _size(call, len(inputs)) - len(running))]
    metadata = _metadata(id, len(running) + len(rest), len(started) + len(next_))
    if not running and not rest:
        return CameTo(metadata=metadata)
    opens = await _opened(call, ground, id, {keys[number]: inputs[number] for number in next_})
    what = "will start shortly" if next_ else "are currently RUNNING"
    came_to = CameTo(metadata=metadata, opens=opens)
    awaits = (*running, *(one.key for one in opens))
    raise NotAssigned(f'tasks from batch "{id}" {what}', came_to, awaits)


async def _opened(
    call: ActionCall, ground: CallGround, id: str, inputs: Mapping[str, Mapping[str, Json]]
) -> tuple[ChildOpening, ...]:
    """The openings of tasks with their inputs, by key. Raises ClientError, ServerError."""
    openings = TemplateOpenings(call, ground, call.text("template_name"), "batch template")
    await openings.check_depth()
    comment = call.text("comment") or f"Auto created by batch {id}"
    return tuple(
        [
            await openings.opened(key, openings.request(given, comment, batch=id))
            for key, given in inputs.items()
        ]
    )


def _inputs(call: ActionCall) -> list[Mapping[str, Json]]:
    """The input of each task. Raises ClientError."""
    given: Json = call.configuration.get("inputs")
    if text := call.text("json_inputs"):
        given = json_of(text, "json_inputs")
    common: Json = call.configuration.get("common_inputs")
    if text := call.text("common_json_inputs"):
        common = json_of(text, "common_json_inputs")
    if not isinstance(given, list | tuple | None) or not isinstance(common, Mapping | None):
        raise ClientError("`inputs` is a list of objects, and `common_inputs` an object")
    if not all(isinstance(one, Mapping | None) for one in given or ()):
        raise ClientError("`inputs` is a list of objects")
    each = [cast(Mapping[str, Json], one or {}) for one in given or ()]
    try:
        return batch_inputs(each, common or {})
    except Yours as error:
        raise ClientError(str(error)) from None


def _size(call: ActionCall, count: int) -> int:
    """How many tasks are open at once. Raises ClientError."""
    text = call.text("sub_batch_size") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ClientError(f'`sub_batch_size` is a number, not "{text[:80]}"')
    return min(int(text) or count, CHILDREN_MAX)


def _id(call: ActionCall) -> str:
    """The id of the batch that an earlier execution began; empty for none."""
    if not isinstance(call.metadata, str):
        return ""
    try:
        known = json.loads(json.loads(f'"{call.metadata}"'))
    except ValueError:
        return ""
    return str(known.get("batch_id") or "") if isinstance(known, dict) else ""


def _metadata(id: str, remaining: int, started: int) -> Json:
    """The metadata of the step as uTask has it: JSON as the escaped text of JSON."""
    known = {"batch_id": id, "remaining_tasks": remaining, "tasks_started": started}
    return json.dumps(to_text(known))[1:-1]
