"""The actions that need nothing of the world: `echo` and `tag`."""

from collections.abc import Mapping
from typing import Final

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.dialects.go_scalars import UTASK
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.model.ids import Json

PARENT_TAG: Final = "_utask_parent_task_id"


async def echo(call: ActionCall) -> CameTo:
    """What the configuration has; with an error, if it has one."""
    output = call.configuration.get("output")
    metadata = call.entries("metadata")
    if call.flag("unmarshal"):
        output = _unmarshalled(output, metadata)
    came_to = CameTo(output=output, metadata=metadata or None)
    if why := call.text("error_message"):
        is_client = call.text("error_type") == "client"
        raise (ClientError if is_client else ServerError)(why, came_to)
    return came_to


def _unmarshalled(output: Json, metadata: Mapping[str, Json]) -> Json:
    if not isinstance(output, str):
        raise ServerError("`output` is a text where `unmarshal` is true", CameTo(metadata=metadata))
    notes = Notes("output")
    tree = parse_go_yaml(output, UTASK, notes)
    if tree is None:
        what = "; ".join(finding.what for finding in notes.findings)
        raise ServerError(f"failed to unmarshal output: {what}", CameTo(metadata=metadata))
    return json_value(tree)


async def tag(call: ActionCall) -> CameTo:
    """Tags of the task; an empty text deletes one."""
    tags = {name: str(value or "") for name, value in call.entries("tags").items()}
    if PARENT_TAG in tags:
        raise ClientError(f'tag name "{PARENT_TAG}" not allowed')
    return CameTo(tags=tags)
