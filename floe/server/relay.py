"""Any host answers: a request about a run whose log is at another host is relayed there.

Every route of one run passes here. A host that got a relayed request does not relay it further, but
names the host that has the run now; the first host then asks it, once. If that host is away, an
ended run is read from the archive, where there is one. If the log went with a forgotten host, any
host reports that, and the remaining data.

Source: docs/cluster-protocol.md, "Any host answers".
"""

import functools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from floe.hub.history import FoundRun
from floe.model.codec import iso
from floe.model.errors import ArchiveAway, HostAway, IdInvalid, Lost
from floe.model.ids import HostId, Instant, RunRef, host_id
from floe.peers.base import Answer, Request
from floe.server.app_keys import BODY, CALLER, HUB, PEERS, SETTINGS, STOPPING
from floe.server.bodies import raw_body
from floe.server.problems import Handler, problem, status_of
from floe.server.readers import check_reader
from floe.server.route import AtLoss, More
from floe.shapes.runs import summary_shape

PASSED: Final = ("Accept", "Content-Type", "Idempotency-Key", "If-Range", "Range")
"""Headers of a request that are relayed."""

_RUN: Final = "{run}"


def relayed(handler: Handler, more: More | None = None, lost: AtLoss | None = None) -> Handler:
    """Wrap a handler: call it if the run's log is here, else relay to the host that has the log.

    `more`: the local data of a run beside its row. `lost`: the reply for a run whose log is gone;
    without it the reply is the problem, with the local data.
    """

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        found = await request.app[HUB].reads.find(request.match_info["run"])
        if found.lost is not None:
            if lost is not None and found.row is not None:
                return lost(request, found.row, found.lost)
            return _lost(found.lost, await _kept(request, found, more))
        if found.host is None:
            request.match_info["run"] = found.ref.key
            return await handler(request)
        body = await raw_body(request)
        try:
            return await _asked_there(request, found.host, found, body)
        except HostAway as error:
            if not await _is_in_archive(request, found):
                return _away(error, **await _kept(request, found, more))
        request.match_info["run"] = found.ref.key
        request[BODY] = body
        return await handler(request)

    return answered


async def _is_in_archive(request: web.Request, found: FoundRun) -> bool:
    """Whether this host can answer from the archive: a run that has ended is only read."""
    if request.method != "GET" and not request.path.endswith("/rerun"):
        return False
    archiving = request.app[HUB].reads.archiving
    if archiving is not None:
        with suppress(ArchiveAway):  # the reply names the host, which has the run too
            return await archiving.has(found.row)
    return False


async def passed_on(
    request: web.Request, host: HostId, found: FoundRun, body: bytes, more: More | None = None
) -> web.StreamResponse:
    """Relay a request to the host with a run. If it is away, the reply has the local data.

    Raises Lost if the log is gone with a forgotten host.
    """
    if found.lost is not None:
        raise found.lost
    try:
        return await _asked_there(request, host, found, body)
    except HostAway as error:
        return _away(error, **await _kept(request, found, more))


async def _asked_there(
    request: web.Request, host: HostId, found: FoundRun, body: bytes
) -> web.StreamResponse:
    """The reply of the host with a run. Raises HostAway."""
    if request[CALLER].via:
        name = request.app[HUB].reads.name_of(found.ref)
        return _relayed_twice(request, f"the log of {name} is", host)
    return await _streamed(request, host, _asked(request, _path(request, found.ref), body))


def _lost(lost: Lost, kept: Mapping[str, Any]) -> web.Response:
    """The error for a lost log, and the remaining data of the run."""
    since = iso(Instant(lost.since))
    return problem(status_of(lost), lost.what, host=lost.host, since=since, **kept)


async def at_host(request: web.Request, host: HostId) -> web.StreamResponse:
    """Relay a request to another host: its reply, or a problem if it is away."""
    try:
        return await reply_of(request, host)
    except HostAway as error:
        return _away(error)


async def reply_of(request: web.Request, host: HostId) -> web.StreamResponse:
    """Relay a request to another host: its reply. Raises HostAway."""
    if request[CALLER].via:
        return _relayed_twice(request, "this is", host)
    body = await raw_body(request)
    return await _streamed(request, host, _asked(request, _path(request), body))


def _relayed_twice(request: web.Request, what: str, host: HostId) -> web.Response:
    own = request.app[HUB].reads.host
    return problem(503, f"{what} at {host}, according to {own}", hint="try again", host=host)


def _away(error: HostAway, **kept: Any) -> web.Response:
    since = iso(Instant(error.since)) if error.since is not None else None
    more = {"host": error.host, "since": since, "as_of": since, **kept}
    return problem(503, error.what, hint=error.hint, **more)


def request_for(request: web.Request) -> Request:
    """A request as it is relayed to another host, without a body."""
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
    """A host's reply, streamed; or that of the host it names, which may know more."""
    peers = request.app.get(PEERS)
    if peers is None:
        raise HostAway(f"this host does not know {host}", host=host)
    async with peers.relay(host, asked) as answer:
        if answer.status != 503:
            return await _passed_back(request, answer)
        body = b"".join([data async for data in answer.chunks()])
    named = _host_in(body)
    if is_first and named not in (None, host, request.app[HUB].reads.host):
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
    """The path below the base-url and the query, with the run's key."""
    resource = request.match_info.route.resource
    names = (resource.canonical if resource else "").split("/")
    parts = request.rel_url.raw_path.split("/")
    if ref is not None and _RUN in names and len(names) == len(parts):
        parts[names.index(_RUN)] = ref.key
    path = "/".join(parts).removeprefix(request.app[SETTINGS].base_url + "/")
    query = request.rel_url.raw_query_string
    return f"{path}?{query}" if query else path


async def _kept(request: web.Request, found: FoundRun, more: More | None) -> dict[str, Any]:
    """The local data of a run whose log is elsewhere: its row, and more for some routes."""
    if found.row is None:
        return {}
    shape: dict[str, Any] = {"run": summary_shape(found.row, request.app[HUB].reads.name_of)}
    return {**shape, **(await more(request, found.ref.key) if more else {})}
