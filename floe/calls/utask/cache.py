"""The action `cache`: values by key that all templates of a cluster share.

A value is a shared row: it is written by the keeper, and each host has a copy. It is kept in clear.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Final

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.model.errors import Conflict, FloeError, Yours
from floe.model.ids import Json
from floe.model.shared_row import KEY_MAX, SharedRow
from floe.nodes.call_ground import CallRows

KIND: Final = "utask.cache"


async def cache(call: ActionCall, rows: CallRows) -> CameTo:
    """Set, get or delete a value. A value after its `ttl` is a miss, and is deleted then."""
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
            row = await rows.find(KIND, _row_key(key))
            if row is not None and _is_old(row):
                with suppress(Conflict):  # a new value is there by now
                    await rows.write(KIND, row.key, None, by=by, expected=row.number)
            return {"key": key, **_read(row)}
        case "delete":
            await rows.write(KIND, _row_key(key), None, by=by, expected=None)
            return {"key": key, "deleted": True}
        case other:
            raise ClientError(f'invalid action "{other}": set, get or delete')


def _read(row: SharedRow | None) -> dict[str, Json]:
    if row is None or not isinstance(row.value, Mapping) or _is_old(row):
        return {"hit": False, "value": None}
    return {"hit": True, "value": row.value["value"]}


def _is_old(row: SharedRow) -> bool:
    until = row.value["until"] if isinstance(row.value, Mapping) else None
    return isinstance(until, int) and until <= _now_s()


def _row_key(key: str) -> str:
    """The key of the row: that of the template, or its digest if no row can have it."""
    is_plain = key.isprintable() and len(key) < KEY_MAX - 8 and not key.startswith("sha256:")
    return key if is_plain else f"sha256:{sha256(key.encode(errors='replace')).hexdigest()}"


def _now_s() -> int:
    return int(time.time())
