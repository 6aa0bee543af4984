"""Any host answers: what is asked of a run whose log is at another host is asked there.

Every route of one run passes here. Who was asked by another host does not pass the request on
again, but says who has the run now; that is followed, once. Of a run whose log went with a host
that was forgotten, any host says so, and what is left of it.

Source: docs/cluster-protocol.md, "Any host answers".
"""

import functools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from floe.host.peers.lost import pen_of
from floe.model.codec import iso
from floe.model.errors import HostAway, IdInvalid, Lost
from floe.model.refs import HostId, Instant, RunRef, host_id, place_key, place_of
from floe.peers.base import Answer, Request
from floe.server import events, runs
from floe.server.bodies import raw_body
from floe.server.keys import CALLER, HUB, PEERS, SETTINGS, STOPPING
from floe.server.problems import Handler, problem, status_of
from floe.server.problems import answer as json_answer
from floe.server.readers import check_reader
from floe.shapes.views import summary_shape

PASSED: Final = ("Accept", "Content-Type", "Idempotency-Key", "If-Range", "Range")
"""Headers of a request that are about what is asked for."""

_RUN: Final = "{run}"


def relayed(handler: Handler) -> Handler:
    """The same handler, where the run's log is here; else whatever the host that has it says."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        host, ref = await whereabouts(request, request.match_info["run"])
        if lost := await _lost(request, host, ref):
            kept = await _kept(request, ref, with_events=handler is events.index)
            return _told_lost(lost, kept, is_why=handler is runs.why)
        if host is None:
            request.match_info["run"] = ref.key
            return await handler(request)
        body = await raw_body(request)
        return await passed_on(request, host, ref, body, with_events=handler is events.index)

    return answered


async def whereabouts(request: web.Request, name: str) -> tuple[HostId | None, RunRef]:
    """Where the log of a run is, None for here, and its whole name. Raises IdInvalid."""
    hub, peers = request.app[HUB], request.app.get(PEERS)
    ref = hub.ref(name)
    if peers is None:
        return None, ref
    row = await hub.store.find(ref)
    is_lost = place_key(ref.host, ref.store) in hub.lists.forgotten
    hosts = {one.host for one in peers.seen()}.union(hub.others())
    if row is None and (is_lost or ref.host not in hosts):
        return None, ref  # the run was never heard of, and there is nobody to ask
    pen = row.host if row is not None and row.state != "pending" else None
    if row is not None and row.state == "active" and pen_of(row) in hub.lists.forgotten:
        pen = None  # its adopter takes it back
    host = pen or ref.host
    return (None if host == hub.host.id else host), ref


async def passed_on(
    request: web.Request, host: HostId, ref: RunRef, body: bytes, *, with_events: bool = False
) -> web.StreamResponse:
    """What the host with a run answers. One that is away is named, with what is kept here.

    Raises Lost where that host was forgotten.
    """
    if lost := await _lost(request, host, ref):
        raise lost
    if request[CALLER].via:
        return _not_again(request, f"the log of {request.app[HUB].names.of(ref)} is", host)
    try:
        return await _streamed(request, host, _asked(request, _path(request, ref), body))
    except HostAway as error:
        return _away(error, **await _kept(request, ref, with_events=with_events))


async def _lost(request: web.Request, host: HostId | None, ref: RunRef) -> Lost | None:
    """That the log of a run which is over is gone with its host; None where it is not.

    What came here with a backup is there (`host` None), also where the store it is of is gone.
    """
    hub = request.app[HUB]
    row = await hub.store.find(ref) if hub.lists.forgotten else None
    if row is None or row.state != "archive":
        return None
    gone = hub.lists.forgotten.get(pen_of(row))
    if gone is None or (host is None and await hub.store.history(ref, 0, 1)):
        return None
    place, how = place_of(pen_of(row))[0], "good" if row.good else "bad"
    text = f"{hub.names.of(ref)} ended {how}: {row.why}; its log is gone with {place}"
    return Lost(f"{text} since {iso(gone.at)}", host=place, since=gone.at)


def _told_lost(lost: Lost, kept: Mapping[str, Any], *, is_why: bool) -> web.Response:
    """What is left of a run: its row, which says why it ended."""
    run = kept["run"]
    if is_why:
        text = lost.what.removeprefix(f"{run['id']} ")
        parts: dict[str, Any] = {"hosts": [], "waiting": [], "never": []}
        return json_answer({"run": run["id"], "state": run["state"], "text": text, **parts})
    since = iso(Instant(lost.since))
    return problem(status_of(lost), lost.what, host=lost.host, since=since, **kept)


async def at_host(request: web.Request, host: HostId) -> web.StreamResponse:
    """What another host answers to this very request."""
    if request[CALLER].via:
        return _not_again(request, "what is asked for is", host)
    body = await raw_body(request)
    try:
        return await _streamed(request, host, _asked(request, _path(request), body))
    except HostAway as error:
        return _away(error)


def _not_again(request: web.Request, what: str, host: HostId) -> web.Response:
    own = request.app[HUB].host.id
    return problem(503, f"{what} at {host}, says {own}", hint="try again", host=host)


def _away(error: HostAway, **kept: Any) -> web.Response:
    since = iso(Instant(error.since)) if error.since is not None else None
    more = {"host": error.host, "since": since, "as_of": since, **kept}
    return problem(503, error.what, hint=error.hint, **more)


def request_for(request: web.Request) -> Request:
    """This very request, without a body, for another host."""
    return _asked(request, _path(request), b"")


def _asked(request: web.Request, path: str, body: bytes) -> Request:
    return Request(
        method=request.method,
        path=path,
        headers={name: request.headers[name] for name in PASSED if name in request.headers},
        body=body,
        by=request[CALLER].by,
    )


async def _streamed(
    request: web.Request, host: HostId, asked: Request, *, is_first: bool = True
) -> web.StreamResponse:
    """What a host answers, as it comes; or the one that it names, which may know better."""
    peers = request.app.get(PEERS)
    if peers is None:
        raise HostAway(f"{host} is not known here", host=host)
    async with peers.relay(host, asked) as answer:
        if answer.status != 503:
            return await _passed_back(request, answer)
        body = b"".join([data async for data in answer.chunks()])
    named = _host_in(body)
    if is_first and named not in (None, host, request.app[HUB].host.id):
        return await _streamed(request, named, asked, is_first=False)
    kind = answer.headers.get("Content-Type", "text/plain")
    return web.Response(status=503, body=body, headers={"Content-Type": kind})


def _host_in(body: bytes) -> HostId | None:
    """The host that a refusal names."""
    with suppress(ValueError, IdInvalid):
        shape = json.loads(body)
        if isinstance(shape, dict) and isinstance(shape.get("host"), str):
            return host_id(shape["host"])
    return None


async def _passed_back(request: web.Request, answer: Answer) -> web.StreamResponse:
    stopping = request.app[STOPPING]
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    await response.prepare(request)
    async for data in answer.chunks():
        if data:
            await response.write(data)
        elif stopping.is_set():
            raise ConnectionAbortedError("stopping")
        check_reader(request)
    await response.write_eof()
    return response


def _path(request: web.Request, ref: RunRef | None = None) -> str:
    """The path below the base-url and the query; a run by its whole name."""
    resource = request.match_info.route.resource
    names = (resource.canonical if resource else "").split("/")
    parts = request.rel_url.raw_path.split("/")
    if ref is not None and _RUN in names and len(names) == len(parts):
        parts[names.index(_RUN)] = ref.key
    path = "/".join(parts).removeprefix(request.app[SETTINGS].base_url + "/")
    query = request.rel_url.raw_query_string
    return f"{path}?{query}" if query else path


async def _kept(request: web.Request, ref: RunRef, *, with_events: bool) -> dict[str, Any]:
    """What is known here of a run whose host is away: its row, and those of its facts."""
    row = await request.app[HUB].store.find(ref)
    if row is None:
        return {}
    shape: dict[str, Any] = {"run": summary_shape(row, request.app[HUB].names.of)}
    return shape | (await events.page(request, ref.key) if with_events else {})
