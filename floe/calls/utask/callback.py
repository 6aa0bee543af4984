"""The action `callback`: an address that others call once, and a step that waits for the call.

The id leads any host to the task. The token is chance, and stands in the output of the step that
made the address: nothing else is kept.
"""

import json
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from floe.calls.utask.action import (
    ActionCall,
    CameTo,
    ClientError,
    NotAssigned,
    ServerError,
    map_of,
)
from floe.dialects.utask.ids import UtaskId, callback_number, id_in, id_text
from floe.dialects.utask.schemas import schema_faults
from floe.dialects.utask.surroundings import KEYS
from floe.model.errors import FloeError
from floe.model.ids import Json
from floe.nodes.call_ground import CallRows

NAME: Final = "ids"
"""The key of the shared row with the key of the hash in ids."""

PATH: Final = "/unsecured/callback"
DRAFTS: Final = {4: "04", 6: "06", 7: "07"}


def address_of(items: Mapping[str, Json]) -> str:
    """The address of all callbacks of a host, by its config items; empty if they have none."""
    found, general = map_of(items.get("callback-config")), map_of(items.get("utask-cfg"))
    base = found.get("base_url") or general.get("base_url")
    path = str(found.get("path_prefix") or PATH)
    return f"{str(base).rstrip('/')}{path.rstrip('/')}" if base else ""


async def callback(call: ActionCall, rows: CallRows, address: str) -> CameTo:
    """Make an address, or wait until it was called."""
    match call.text("action").lower():
        case "create":
            return await _created(call, rows, address)
        case "wait":
            return await _waited(call, rows)
        case other:
            raise ClientError(f'invalid action "{other}": create or wait')


async def _created(call: ActionCall, rows: CallRows, address: str) -> CameTo:
    if not address:
        raise ServerError("this host has no address for callbacks: set `base-url`")
    schema = _schema(call.text("schema"))
    own = UtaskId(call.job.key.run, "callback", callback_number(call.job.key))
    id, token = id_text(own, await key_of_ids(rows)), str(uuid4())
    url = f"{address}/{id}?t={token}"
    return CameTo(output={"id": id, "url": url, "token": token, "schema": schema})


async def _waited(call: ActionCall, rows: CallRows) -> CameTo:
    id, run = call.text("id"), call.job.key.run
    found = id_in(id, [(run.host, run.store)], await key_of_ids(rows))
    if found is None or (found.run, found.kind) != (run, "callback"):
        raise ServerError(f'failed to load callback from public id: this task has none "{id}"')
    update = call.updates.get(f"callback:{id}")
    if update is None:
        raise NotAssigned("task is waiting for a callback", awaits=(f"callback:{id}",))
    called = map_of(update.get("value"))
    return CameTo(output={"id": id, "date": called.get("date"), "body": called.get("body")})


async def key_of_ids(rows: CallRows) -> bytes:
    """The key of the hash in ids, which the first task of the cluster made. Raises ServerError."""
    try:
        row = await rows.find(KEYS, NAME)
    except FloeError as error:
        raise ServerError(str(error)) from None
    if row is None or not isinstance(row.value, str):
        raise ServerError("the key of uTask's ids is not in this host's copy of the shared rows")
    return bytes.fromhex(row.value)


def _schema(text: str) -> Json:
    """The schema of a configuration, with its draft; None for none. Raises ClientError."""
    if not text:
        return None
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClientError(f"invalid schema: {error}") from None
    if not isinstance(schema, dict):
        raise ClientError("invalid schema: an object is expected")
    if "$schema" not in schema:
        version = schema.pop("version", None)
        draft = DRAFTS.get(version, "07") if isinstance(version, int) else "07"
        schema = {"$schema": f"http://json-schema.org/draft-{draft}/schema#", **schema}
    for fault in schema_faults(schema):
        raise ClientError(f"invalid schema: {fault}")
    return schema
