"""Answers a call of uTask's API: here, or by the host that has the run that the call is about."""

import asyncio
import base64
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from aiohttp import web

from floe.dialects.utask.ids import is_uuid
from floe.model.errors import Conflict, FloeError, HostAway, Lost, Removed, Yours
from floe.server.bodies import parse, raw_body
from floe.server.problems import answer, status_of
from floe.server.utask.calls import UtaskCall, UtaskReply, UtaskUser
from floe.server.utask.relay import asked_at
from floe.server.utask.routes import FoundRoute, found_route
from floe.server.utask.site import UTASK_SITE, UtaskFault, no_id, not_found

log = structlog.get_logger()

LARGE_BYTES: Final = 16 * 1024
"""A larger body is read in a thread."""

NO_PAGE: Final = UtaskReply(404, text="404 page not found", headers={"Content-Type": "text/plain"})


async def answered(call: UtaskCall, *, host: str = "") -> UtaskReply:
    """The answer to a call. `host`: the host that sends it here for a client; empty for none."""
    found = found_route(call.method, call.path, by_host=bool(host))
    if found is None:
        return NO_PAGE
    try:
        return await _answered(replace(call, names=found.names), found, host)
    except FloeError as error:
        status = _status(error)
        if status >= 500:
            log.warning("request.refused", path=call.path, error=str(error))
        return UtaskReply(status, {"error": str(error)})


async def _answered(call: UtaskCall, found: FoundRoute, host: str) -> UtaskReply:
    if len(call.content) > LARGE_BYTES:
        await asyncio.to_thread(lambda: call.body)
    kind = found.route.home
    if not kind:
        return await found.route.handler(call)
    text = call.body.keys.text("task_id") if kind == "task_id" else call.names[kind]
    what = "task" if kind == "task_id" else kind
    id = await call.site.ids.find(text)
    if id is None or id.kind != what:
        raise _unknown(what, text)
    at = await call.site.hub.reads.find(id.run.key)
    if at.lost is not None:
        raise not_found(what)
    if at.host is None:
        return await found.route.handler(replace(call, id=id))
    if host:
        raise HostAway(f"the task is at {at.host}, and not here any more", host=at.host)
    return await asked_at(call.site, at.host, call)


def _unknown(what: str, text: str) -> UtaskFault:
    if what == "callback":
        return UtaskFault(404, "failed to load callback from public id: callback not found")
    return not_found(what) if is_uuid(text) else no_id(what, text)


def _status(error: FloeError) -> int:
    if isinstance(error, UtaskFault):
        return error.status
    if isinstance(error, Lost | Removed):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, Conflict):
        return HTTPStatus.BAD_REQUEST
    return min(status_of(error), HTTPStatus.SERVICE_UNAVAILABLE)


async def serve(request: web.Request) -> web.Response:
    """The answer to a call of a client of a different host, about a run that is here."""
    shape = parse(await raw_body(request))
    try:
        given = cast(dict[str, Any], shape)
        call = UtaskCall(
            site=request.app[UTASK_SITE],
            user=UtaskUser(str(given["user"]), tuple(map(str, given["groups"]))),
            method=str(given["method"]),
            path=str(given["path"]),
            query_text=str(given["query"]),
            content=base64.b64decode(given["content"], validate=True),
        )
    except (KeyError, TypeError, ValueError):
        raise Yours("the body is no call of uTask's API") from None
    reply = await answered(call, host="peer")
    shape = {
        "status": reply.status,
        "shape": reply.shape,
        "text": reply.text,
        "headers": dict(reply.headers),
    }
    return answer(shape, is_output=True)
