"""The result of an action: checked and kept at the host that has its run."""

import json
from http import HTTPStatus
from typing import Final, TypeGuard
from urllib.parse import quote

import structlog
from aiohttp import web

from floe.dialects.flyte.actions import number_of
from floe.dialects.flyte.compiled import DIALECT
from floe.dialects.flyte.events import FATAL_EVENT, pack_id
from floe.dialects.flyte.ids import TASK, FlyteId, task_proof
from floe.dialects.pack_work import is_good, is_task, labels_of, queue_of
from floe.kernel.owed import key_of
from floe.model.call import OutsideWork
from floe.model.codec import to_text
from floe.model.errors import Conflict, HostAway, NotFound, Removed, Theirs, Yours
from floe.model.ids import HostId, Json, NodeId, Shape
from floe.model.run import NodeState, Run
from floe.model.signal import Answered
from floe.model.title import one_line
from floe.peers.base import Request
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import parse, raw_body
from floe.server.flyte.site import FLYTE_SITE, FlyteSite
from floe.server.problems import answer

log = structlog.get_logger()

PATH: Final = "peer/flyte/result"
"""The route of the other hosts."""

REPLY_BYTES_MAX: Final = 4096


async def completed(request: web.Request, action: str, event: Shape) -> int:
    """Keep the result of an action, here or at the host that has its run; the status to answer.

    Raises HostAway, Theirs, Busy, StoreFailed.
    """
    hub, site = request.app[HUB], request.app[FLYTE_SITE]
    id = await site.ids.find(action)
    if id is None or id.step is None:
        return HTTPStatus.NOT_FOUND
    try:
        found = await hub.reads.find(id.run.key)
    except Removed:
        return HTTPStatus.NOT_FOUND
    if found.lost is not None:
        return HTTPStatus.NOT_FOUND
    if found.host is None:
        return await completed_here(site, action, id, event)
    return await _completed_at(request, found.host, action, event)


async def completed_here(site: FlyteSite, action: str, id: FlyteId, event: Shape) -> int:
    """Keep the result of an action whose run is here; the status to answer.

    The order of the checks is that of flyte.
    """
    hub = site.hub
    try:
        run = await hub.reads.run(id.run.key)
    except (NotFound, Removed):
        return HTTPStatus.NOT_FOUND
    assert run.flow is not None, "the flow of a run of flyte is there"
    at, state = _asked(run, id, await site.ids.key())
    if at is None or state is None or not isinstance(state.work, OutsideWork):
        return HTTPStatus.NOT_FOUND
    pack = event["pack"]
    has = labels_of(pack.get("labels", {}))
    if state.work.queue != queue_of(pack["name"]) or not state.work.labels <= has:
        return HTTPStatus.FORBIDDEN
    key = str(key_of(run, at, state))
    report = _report(state.work, event)
    try:
        number = await hub.outside.answer(key, report, event=hub.inbox.event(DIALECT, event))
    except Conflict:
        return HTTPStatus.INTERNAL_SERVER_ERROR  # as flyte: it is not taken, or over
    log.info(
        "flyte.action_completed",
        action=action,
        run=str(run.ref),
        step=run.flow.by_id[at].name,
        pack=pack_id(pack["name"], pack.get("labels", {})),
        result=event["event"],
    )
    await hub.inbox.opened(number)
    return HTTPStatus.ACCEPTED


def _asked(run: Run, id: FlyteId, secret: bytes) -> tuple[NodeId | None, NodeState | None]:
    """The node that an action is for, with its state, or that of its item; None for none.

    An attempt that a retry followed is no action any more.
    """
    if id.step != TASK:
        at = None if run.passes is None else _node_of(run, id)
        return at, run.nodes[at] if at is not None else None
    for at in run.nodes:
        for state in run.nodes[at].parts():
            if task_proof(key_of(run, at, state), secret) == id.proof:
                return at, state
    return None, None


def _node_of(run: Run, id: FlyteId) -> NodeId | None:
    return next((node for node in run.nodes if number_of(node) == id.step), None)


def _report(work: OutsideWork, event: Shape) -> Answered:
    """The answer to the work of an action that an event is."""
    name = event["event"]
    if not is_task(work.config):
        is_fatal = name == FATAL_EVENT
        return Answered(good=not is_fatal, why=FATAL_EVENT if is_fatal else "", outputs=event)
    good = is_good(work.config, name, fatal=FATAL_EVENT)
    outputs = {"event": name, "payload": event.get("payload")}
    return Answered(
        good=good, why="" if good else f"its result is {one_line(name)}", outputs=outputs
    )


async def serve(request: web.Request) -> web.Response:
    """The result of an action whose run is here, from the host that its pack called."""
    action = request.query.get("action", "")
    event = parse(await raw_body(request))
    if not _is_event(event):
        raise Yours("the body is no event of flyte")
    site = request.app[FLYTE_SITE]
    id = await site.ids.find(action)
    if id is None or id.step is None:
        return answer({"status": int(HTTPStatus.NOT_FOUND)})
    return answer({"status": int(await completed_here(site, action, id, event))})


def _is_event(value: Json) -> TypeGuard[Shape]:
    pack = value.get("pack") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(pack, dict):
        return False
    labels = pack.get("labels", {})
    texts = [value.get("event"), pack.get("name")]
    texts += labels.values() if isinstance(labels, dict) else [None]
    return all(isinstance(text, str) for text in texts)


async def _completed_at(request: web.Request, host: HostId, action: str, event: Shape) -> int:
    """The same at a different host. Raises HostAway, Theirs."""
    peers = request.app[FLYTE_SITE].peers
    if peers is None:
        raise HostAway(f"this host does not know {host}", host=host)
    asked = Request(
        method="PUT",
        path=f"{PATH}?action={quote(action, safe='')}",
        headers={"Content-Type": "application/json"},
        body=to_text(event).encode(),
        by=request[CALLER].by if CALLER in request else DIALECT,
    )
    body = bytearray()
    try:
        async with peers.relay(host, asked) as reply:
            async for data in reply.chunks():
                body += data[: REPLY_BYTES_MAX - len(body)]
            is_ok = reply.status == HTTPStatus.OK
        return int(json.loads(body)["status"]) if is_ok else HTTPStatus.SERVICE_UNAVAILABLE
    except ConnectionError as error:
        raise HostAway(f"{host} is away: {error}", host=host) from None
    except (ValueError, KeyError, TypeError):
        raise Theirs(f"the reply of {host} is not the status of a result") from None
