"""The addresses of calls: a client that has one may answer its call, once.

The address is the credential. Nothing is read of an answer before its hash is proven, and only a
POST answers: programs that look at links in messages send a GET.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from floe.hub.attempts.callbacks import Callbacks, unknown_call
from floe.model.callback import BY_CALLBACK, CallbackId
from floe.model.codec import iso
from floe.model.errors import Conflict, HostAway, Yours
from floe.model.ids import NO_ITEM, HostId, Json, Shape
from floe.model.run import NodeState, Run
from floe.peers.base import TOKEN
from floe.server.app_keys import BODY, CALLER, HUB
from floe.server.auth import Caller
from floe.server.bodies import parse, raw_body
from floe.server.problems import Unsupported, answer, problem
from floe.server.relay import reply_of
from floe.shapes.forms import form_shape

log = structlog.get_logger()

FORM: Final = "application/x-www-form-urlencoded"
PAIRS_MAX: Final = 1000
"""Fields of an answer that is a form."""

AWAY_S: Final = "10"
"""After how many seconds a caller may try again whose call is at a host that is away."""


async def show(request: web.Request) -> web.StreamResponse:
    """What a call waits for. Nothing of its run is shown."""
    calls, id = request.app[HUB].callbacks, _id(request)
    run = await calls.find(id, request.match_info["proof"])
    if isinstance(run, str):
        return await _there(request, run)
    standing, state = calls.standing(run, id)
    shape: Shape = {"state": standing, "until": None, "fields": []}
    if standing == "open" and run and state:
        shape |= {"until": iso(calls.until(run, id.node, state)), "fields": _fields(state)}
    return answer(shape)


async def post(request: web.Request) -> web.StreamResponse:
    """Answer a call."""
    calls, id = request.app[HUB].callbacks, _id(request)
    run = await calls.find(id, request.match_info["proof"])
    if isinstance(run, str):
        return await _there(request, run)
    standing, state = calls.standing(run, id)
    if standing == "open" and run and state:
        if await calls.answer(run, id, state, await _body(request)):
            log.info("call.answered", run=str(run.ref), node=id.node, peer=request.remote)
            return answer({"answered": True})
        standing, _ = calls.standing(await request.app[HUB].reads.run(run.ref.key), id)
    if standing == "answered":
        raise Conflict("this call is answered already", "an address works once")
    return problem(410, "this call waits no longer: its time is over, or its run has ended")


async def addresses(calls: Callbacks, run: Run) -> list[dict[str, Any]]:
    """The calls of a run that wait for answers, with their addresses."""
    return [
        {
            "node": id,
            "visit": state.visit,
            "item": None if state.item == NO_ITEM else state.item,
            "url": url,
            "until": iso(calls.until(run, id, state)),
            "fields": _fields(state),
        }
        for id, state, url in await calls.open_of(run)
    ]


def _id(request: web.Request) -> CallbackId:
    """The call that an address names. Raises NotFound."""
    id = CallbackId.parse(request.match_info["of"], request.match_info["at"])
    if id is None:
        raise unknown_call()
    return id


async def _there(request: web.Request, host: HostId) -> web.StreamResponse:
    via = "peer" if TOKEN in request.headers else ""
    request[BODY] = await raw_body(request)  # as that of a stranger
    request[CALLER] = Caller(user=BY_CALLBACK, via=via)
    try:
        return await reply_of(request, host)
    except HostAway:  # its name is not for strangers
        response = problem(503, "the host with this call is away", hint="call again in a moment")
        response.headers["Retry-After"] = AWAY_S
        return response


async def _body(request: web.Request) -> Json:
    """An answer: JSON or a form; nothing counts as an empty object."""
    body = await raw_body(request)
    if not body:
        return {}
    if request.headers.get("Content-Encoding"):
        raise Unsupported("an encoded body is not accepted", "send it unencoded")
    if request.content_type == "application/json":
        return parse(body)
    if request.content_type != FORM:
        raise Unsupported(f"{request.content_type} is not accepted here", "send JSON or a form")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=PAIRS_MAX, errors="strict"
        )
    except ValueError as error:
        raise Yours(f"invalid form: {error}") from None
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Yours(f"the field {twice[:80]!r} is given twice", "send a list as JSON")
    return dict(pairs)


def _fields(state: NodeState) -> Json:
    form = getattr(state.work, "form", None)
    fields: Json = form_shape(form)["fields"] if form else []
    return fields
