"""The action `cache`: values by key that all templates of a cluster share.

A value is a shared row: it is written by the keeper, and each host has a copy. It is kept in clear.
"""

import time
from hashlib import sha256
from typing import Final

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.model.errors import FloeError, Yours
from floe.model.ids import Json
from floe.model.shared_row import KEY_MAX
from floe.nodes.call_ground import CallRows

KIND: Final = "utask.cache"


async def cache(call: ActionCall, rows: CallRows) -> CameTo:
    """Set, get or delete a value. A value after its `ttl` is a miss."""
    key = call.text("key")
    if not key:
        raise ClientError('missing required parameter "key"')
    try:
        return CameTo(output=await _done(call, key, rows))
    except Yours as error:
        raise ClientError(str(error)) from None
    except FloeError as error:
        raise ServerError(str(error)) from None


async def _done(call: ActionCall, key: str, rows: CallRows) -> Json:
    by = f"task {call.task.get('task_id', '')}".strip()
    match call.text("action"):
        case "set":
            ttl = call.configuration.get("ttl") or 0
            if not isinstance(ttl, int):
                raise ClientError("`ttl` is a number of seconds")
            until = _now_s() + ttl if ttl > 0 else None
            value: Json = {"key": key, "value": call.configuration.get("value"), "until": until}
            await rows.write(KIND, _row_key(key), value, by=by, expected=None)
            return {"key": key, "cached": True}
        case "get":
            return {"key": key, **_read(await rows.find(KIND, _row_key(key)))}
        case "delete":
            await rows.write(KIND, _row_key(key), None, by=by, expected=None)
            return {"key": key, "deleted": True}
        case other:
            raise ClientError(f'invalid action "{other}": set, get or delete')


def _read(row: object) -> dict[str, Json]:
    found = getattr(row, "value", None)
    if isinstance(found, dict) and (found["until"] is None or found["until"] > _now_s()):
        return {"hit": True, "value": found["value"]}
    return {"hit": False, "value": None}


def _row_key(key: str) -> str:
    """The key of the row: that of the template, or its digest if no row can have it."""
    is_plain = key.isprintable() and len(key) < KEY_MAX - 8 and not key.startswith("sha256:")
    return key if is_plain else f"sha256:{sha256(key.encode(errors='replace')).hexdigest()}"


def _now_s() -> int:
    return int(time.time())
