"""The output of a node: a piece, a range, a live stream, or its lines."""

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

from floe.kernel.items import state_of
from floe.masked_files import AtEnd
from floe.model.errors import HostAway
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, Shape
from floe.model.run import Run
from floe.model.whole import whole
from floe.server.app_keys import HUB, MARKS, STOPPING
from floe.server.fields import Fields, item_in, query, visit_in
from floe.server.lines import Lines
from floe.server.problems import Handler, answer, problem
from floe.server.readers import check_reader
from floe.server.relay import relayed
from floe.server.runs import node_of
from floe.server.tail import CHUNK, POLL_S, Tail, TailSpot, read, readable, size_of, spot_of
from floe.server.waits import wait_set

LIMIT: Final = 1024 * 1024
"""Bytes of a reply if the request gives no limit."""

FOLLOWED: Final = 256 * 1024
"""Bytes read at once from a followed output: each read occupies a thread."""

LINES_MAX: Final = 1000
TEXT_MAX: Final = 1000
"""Characters of a search text."""

OFFSET_MAX: Final = 2**53
ATTEMPT_MAX: Final = 2**31


def where_it_ran(handler: Handler) -> Handler:
    """Wrap a handler of logs: the output of a node that a re-run took over is the earlier run's."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        run = await request.app[HUB].reads.run(request.match_info["run"])
        item = whole(request.query.get("item", ""))
        node = node_of(run, request.match_info["node"]).id
        state = state_of(run, node, NO_ITEM if item is None else item)
        if state is None or not state.taken_from:
            return await handler(request)
        request.match_info["run"] = state.taken_from
        return await relayed(handler)(request)

    return answered


@where_it_ran
async def show(request: web.Request) -> web.StreamResponse:
    """The log of an attempt: its output, byte for byte."""
    fields = query(request)
    attempt = _attempt(fields)
    offset = fields.integer("offset", 0, 0, OFFSET_MAX)
    limit = fields.integer("limit", LIMIT, 1, OFFSET_MAX)
    follow = fields.flag("follow")
    fields.done()
    hub = request.app[HUB]
    run, node, spot = await _spot(request, attempt)
    if follow:
        named = attempt._asdict()
        tail = Tail(hub, run.ref.key, node.id, **named, offset=offset, chunk=FOLLOWED)
        return await _followed(request, tail, spot)
    size = await size_of(hub.reads.places, spot.path)
    asked = _range(request, size)
    if asked is None:
        start = min(offset, size)
        return await _sent(request, spot, start, min(start + limit, size), size, status=200)
    start, end = asked
    if start >= end:
        refused = problem(416, f"the output has {size} bytes")
        refused.headers["Content-Range"] = f"bytes */{size}"
        return refused
    return await _sent(request, spot, start, end, size, status=206)


@where_it_ran
async def lines(request: web.Request) -> web.Response:
    """Some lines of the log of an attempt, and their total number."""
    fields = query(request)
    attempt = _attempt(fields)
    first = fields.integer("from", 1, -OFFSET_MAX, OFFSET_MAX)
    count = fields.integer("count", LINES_MAX, 1, LINES_MAX)
    fields.done()

    def read(lines: Lines) -> Shape:
        start = first if first > 0 else max(1, lines.count + 1 + first)
        return {"from": start, "lines": [asdict(line) for line in lines.read(start, count)]}

    return await _looked(request, attempt, read)


@where_it_ran
async def find(request: web.Request) -> web.Response:
    """The numbers of the lines in the log of an attempt that contain a text."""
    fields = query(request)
    attempt = _attempt(fields)
    first = fields.integer("from", 1, 1, OFFSET_MAX)
    text = fields.text("text", None)
    if len(text) > TEXT_MAX or "\n" in text:
        fields.wrong("text", f"up to {TEXT_MAX} characters of one line are expected")
    fields.done()

    def search(lines: Lines) -> Shape:
        found = lines.find(text, first)
        return {"found": list(found.lines), "next": found.next}

    return await _looked(request, attempt, search)


class LogAttempt(NamedTuple):
    """The attempt that a request names; 0 for the latest."""

    visit: int
    attempt: int
    item: int


async def _looked(
    request: web.Request, attempt: LogAttempt, work: Callable[[Lines], Shape]
) -> web.Response:
    _, _, spot = await _spot(request, attempt)

    def counted(lines: Lines) -> Shape:
        return {**work(lines), "count": lines.count, "bytes": lines.size}

    with readable():
        shape = await request.app[MARKS].look(spot.path, counted, is_over=spot.over)
    return answer({**shape, "attempt": spot.attempt, "live": not spot.over}, is_output=True)


def _attempt(fields: Fields) -> LogAttempt:
    attempt = fields.integer("attempt", 0, 1, ATTEMPT_MAX)
    return LogAttempt(visit_in(fields), attempt, item_in(fields))


async def _spot(request: web.Request, named: LogAttempt) -> tuple[Run, Node, TailSpot]:
    hub = request.app[HUB]
    run = await hub.reads.run(request.match_info["run"])
    node = node_of(run, request.match_info["node"])
    return run, node, await spot_of(hub, run, node, **named._asdict())


def _range(request: web.Request, size: int) -> tuple[int, int] | None:
    """The requested range; None if there is none that can be parsed."""
    try:
        asked = request.http_range
    except ValueError:
        return None  # RFC 9110, 14.2: an invalid Range is ignored
    if asked.start is None:
        return None
    start = max(0, size + asked.start) if asked.start < 0 else asked.start
    return start, min(size, asked.stop if asked.stop is not None else size)


async def _sent(
    request: web.Request, spot: TailSpot, start: int, end: int, size: int, *, status: int
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=_headers(spot, size))
    response.content_length = end - start
    response.headers["Accept-Ranges"] = "bytes"
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    await response.prepare(request)
    if spot.path is not None:
        at_end: AtEnd = "as-is" if spot.over else "masked"
        await _copy(request, response, spot.path, start, end, at_end)
    await response.write_eof()
    return response


async def _copy(
    request: web.Request,
    response: web.StreamResponse,
    path: Path,
    start: int,
    end: int,
    at_end: AtEnd,
) -> None:
    while start < end:
        check_reader(request)
        data = await read(request.app[HUB].reads, path, start, min(CHUNK, end - start), at_end)
        if not data:
            raise ConnectionAbortedError("the file was truncated")
        await response.write(data)
        start += len(data)


async def _followed(request: web.Request, tail: Tail, spot: TailSpot) -> web.StreamResponse:
    size = await size_of(request.app[HUB].reads.places, spot.path)
    response = web.StreamResponse(headers=_headers(spot, size))
    await response.prepare(request)
    stopping = request.app[STOPPING]
    while True:
        try:
            piece = await tail.read()
        except HostAway as error:
            raise ConnectionAbortedError(error.what) from None  # a retry goes to the right host
        if piece.data:
            await response.write(piece.data)
            tail.advance(len(piece.data))
        if piece.over:
            break
        if not piece.data and await wait_set(stopping, POLL_S):
            raise ConnectionAbortedError("stopping")  # so that the client knows it is incomplete
        check_reader(request)
    await response.write_eof()
    return response


def _headers(spot: TailSpot, size: int) -> dict[str, str]:
    return {
        "Content-Type": "text/plain; charset=utf-8",
        "X-Floe-Size": str(size),
        "X-Floe-Live": "false" if spot.over else "true",
        "X-Floe-Visit": str(spot.visit),
        "X-Floe-Attempt": str(spot.attempt),
    }
