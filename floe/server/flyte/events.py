"""The routes by which packs send events, take actions and send their results."""

import hashlib
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from floe.dialects.flyte.audit import go_time
from floe.dialects.flyte.compiled import DIALECT
from floe.dialects.flyte.events import kept_event, pack_id
from floe.dialects.pack_work import labels_of, queue_of
from floe.model.call import TakenWork
from floe.model.ids import Json, Shape
from floe.server.flyte.bodies import read_value, reply
from floe.server.flyte.go_json import GoObject
from floe.server.flyte.go_times import checked_time
from floe.server.flyte.links import Links
from floe.server.flyte.packs import calling_pack
from floe.server.flyte.results import completed
from floe.server.flyte.site import FLYTE_SITE, FlyteSite
from floe.server.idempotency import idempotency_key

log = structlog.get_logger()

RESULT: Final = "#/actionResult"
"""The rel, in the API's description, of the link for the result of a taken action."""

TAKE_DIGITS: Final = 32

COMMAND_NAMES: Final = ("actionName", "commandName")
"""Parameters of a take that name a command: flyte reads the first, its links have the second."""


async def post(request: web.Request) -> web.Response:
    """Keep an event of a pack, and open the runs that begin with it."""
    site, pack = request.app[FLYTE_SITE], await calling_pack(request)
    event = await _event(request, site, pack)
    await site.hub.inbox.hear(DIALECT, event)
    log.info("flyte.event_received", flyte_event=event["event"], pack=_id(pack))
    return web.Response(status=HTTPStatus.ACCEPTED)


async def take(request: web.Request) -> web.Response:
    """Take the oldest action that a pack may carry out, or answer that there is none."""
    site, pack = request.app[FLYTE_SITE], await calling_pack(request)
    labels = labels_of(pack.get("labels", {}))
    command = await _command(request)
    outside = site.hub.outside
    await site.ids.key()  # before: an action without an id could not be handed over
    queue, named = queue_of(pack["name"]), _take_name(request)
    is_repeat = request.headers.get("Idempotency-Repeat") == "1"
    work = await outside.take(
        queue, labels, by=_id(pack), name=command, take=named, is_repeat=is_repeat
    )
    if work is not None and not named and _is_gone(request):
        outside.give_back_nowait(work.take)
        work = None
    if work is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    id = await site.ids.of_action(work)
    log.info("flyte.action_taken", action=id, pack=_id(pack), command=work.name)
    links = Links(request)
    at = ("v1", "packs", request.match_info["pack"], "actions", id, "result")
    link = links.link(links.of(RESULT), *at)
    return reply(request, {"command": work.name, "input": _input(work), "links": [link]})


async def result(request: web.Request) -> web.Response:
    """Keep the result of an action, which is an event too."""
    site, pack = request.app[FLYTE_SITE], await calling_pack(request)
    event = await _event(request, site, pack)
    status = await completed(request, request.match_info["action"], event)
    return web.Response(status=status)


async def _event(request: web.Request, site: FlyteSite, pack: Shape) -> Shape:
    """The event in a body, as runs keep it. Raises Yours."""
    given = GoObject(await read_value(request), "the event")
    return kept_event(
        given.text("event"),
        pack["name"],
        pack.get("labels", {}),
        given.value("payload"),
        created_at=checked_time(given.value("createdAt"), "createdAt"),
        received_at=go_time(site.hub.clock.now()),
    )


async def _command(request: web.Request) -> str:
    """The command that a take is for; empty for any. The body counts as a form, if it is one."""
    names = [request.query.get(name, "") for name in COMMAND_NAMES]
    if request.content_type == "application/x-www-form-urlencoded":
        form = await request.post()
        names += [str(form.get(name, "")) for name in COMMAND_NAMES]
    return next(filter(None, names), "")


def _take_name(request: web.Request) -> str:
    """The name by which a pack may repeat its take, as its own; empty for none. Raises Yours."""
    key = idempotency_key(request)
    return hashlib.sha256(key.encode()).hexdigest()[:TAKE_DIGITS] if key else ""


def _is_gone(request: web.Request) -> bool:
    """Whether the pack has left before its answer: nothing of that can reach it any more."""
    return request.transport is None or request.transport.is_closing()


def _input(work: TakenWork) -> Json:
    assert isinstance(work.config, dict), "an action has a map"
    value: Json = work.config.get("input")
    return value


def _id(pack: Shape) -> str:
    return pack_id(pack["name"], pack.get("labels", {}))
