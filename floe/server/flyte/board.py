"""Packs for people: commands, liveness, backlog, and what flows ask of packs that none has."""

from collections.abc import Sequence

import structlog
from aiohttp import web

from floe.dialects.flyte.current_flows import ITEM
from floe.model.codec import iso
from floe.model.errors import NotFound, World
from floe.model.ids import Shape
from floe.server import fan_out
from floe.server.app_keys import CALLER
from floe.server.fields import query
from floe.server.flyte.backlog import (
    Backlog,
    OpenActions,
    backlog_here,
    counts_shape,
    grouped,
    open_actions,
)
from floe.server.flyte.calls import (
    Asked,
    FlyteUses,
    calls_of,
    declared_events,
    events_of,
    flows_shape,
)
from floe.server.flyte.pack_book import KnownPack
from floe.server.flyte.site import FLYTE_SITE, FlyteSite, caught_up
from floe.server.problems import answer

log = structlog.get_logger()

WEB: tuple[str, ...] = ("http://", "https://")
"""Begins the links of packs that are shown as links."""


async def packs(request: web.Request) -> web.Response:
    """The packs of flyte with their backlog at all hosts, and what flows ask that no pack has."""
    query(request).done()
    site = request.app[FLYTE_SITE]
    others = await fan_out.others(request)
    await caught_up(site.packs)
    backlog = backlog_here(site.hub)
    backlog += [one for shape in others.shapes for one in shape["backlog"]]
    actions = grouped(open_actions(backlog))
    known = site.pack_book.all()
    calls = calls_of(site.flow_book.all(), site.hub.reads.book().flows)
    shape = {
        "packs": [_pack(site, pack, calls, actions) for pack in known],
        "missing": _missing(known, calls, actions),
        "unsent": _unsent(known, calls),
        "backlog": backlog,
        "away": list(others.away),
    }
    return answer(shape)


async def remove(request: web.Request) -> web.Response:
    """Remove a pack. A process of it that runs ends with its next call, or registers again."""
    query(request).done()
    id = request.match_info["pack"]
    if not await request.app[FLYTE_SITE].packs.delete(id, by=request[CALLER].by):
        raise NotFound(f"no pack {id[:80]}", "it may have been removed already")
    log.info("flyte.pack_deleted", pack=id, by=request[CALLER].by)
    return web.Response(status=204)


def in_short(site: FlyteSite) -> Shape:
    """The names of flyte's flows by id, and how many packs and items there are."""
    try:
        flows = [{"id": one.flow.id, "name": one.name} for one in site.flow_book.all()]
        packs, items = len(site.pack_book.all()), len(site.hub.shared.of_kind(ITEM))
        return {"flows": flows, "packs": packs, "items": items}
    except World:  # this host has not copied all of them yet
        return {"flows": [], "packs": 0, "items": 0}


def _pack(site: FlyteSite, pack: KnownPack, calls: FlyteUses, actions: Backlog) -> Shape:
    name, declared = pack.document["name"], pack.document.get("commands", ())
    mine = [one for one in actions.get(name, ()) if _is_of(one, pack)]
    return {
        "id": pack.id,
        "name": name,
        "labels": dict(pack.labels),
        "status": site.pack_book.status(pack),
        "last_seen": iso(site.pack_book.last_seen(pack)),
        "registered_at": iso(pack.at),
        "links": _links(pack.document),
        "commands": [
            {
                "name": one["name"],
                "events": list(dict.fromkeys(one["events"] or ())),
                "links": _links(one),
                **flows_shape(calls.commands.get((name, one["name"]), ())),
                **counts_shape([action for action in mine if action.command == one["name"]]),
            }
            for one in declared
        ],
        "events": [
            {"name": event, **flows_shape(calls.events.get((name, event), ()))}
            for event in events_of(pack)
        ],
        **counts_shape(mine),
    }


def _is_of(actions: OpenActions, pack: KnownPack) -> bool:
    """Whether a pack may take some actions, or has taken them."""
    return actions.by == pack.id if actions.by else pack.covers(actions.labels)


def _missing(known: Sequence[KnownPack], calls: FlyteUses, actions: Backlog) -> list[Shape]:
    """The commands that flows call, or actions wait for, and that no pack declares."""
    asked = dict.fromkeys(
        [*calls.commands, *(one.asked for same in actions.values() for one in same)]
    )
    declared = {
        (pack.document["name"], command["name"])
        for pack in known
        for command in pack.document.get("commands", ())
    }
    names = {pack.document["name"] for pack in known}
    return [
        {
            "pack": pack,
            "command": command,
            "registered": pack in names,
            **flows_shape(calls.commands.get((pack, command), ())),
            **counts_shape([one for one in actions.get(pack, ()) if one.command == command]),
        }
        for pack, command in sorted(asked)
        if (pack, command) not in declared
    ]


def _unsent(known: Sequence[KnownPack], calls: FlyteUses) -> list[Shape]:
    """The events that flows wait for, and that no pack says it sends."""
    declared = declared_events(known)
    names = {pack.document["name"] for pack in known}
    found: list[Asked] = sorted(set(calls.events) - declared)
    return [
        {
            "pack": pack,
            "event": event,
            "registered": pack in names,
            **flows_shape(calls.events[pack, event]),
        }
        for pack, event in found
    ]


def _links(part: Shape) -> list[Shape]:
    """The links of a pack or a command that a browser may follow."""
    return [
        {"href": link["href"], "rel": link.get("rel", "")}
        for link in part.get("links", ())
        if link["href"].startswith(WEB)
    ]
