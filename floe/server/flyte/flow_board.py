"""Flows of flyte for people: their steps, what fires them, and what a result may lead to."""

import json
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from floe.dialects.flyte.events import FATAL_EVENT
from floe.model.codec import digest_of, iso
from floe.model.errors import NotFound
from floe.model.ids import Shape
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.flyte.calls import Asked, declared_events, events_of
from floe.server.flyte.flow_book import FlowVersion
from floe.server.flyte.graph import flyte_graph, unknown_ids
from floe.server.flyte.pack_book import KnownPack, PackBook
from floe.server.flyte.site import FLYTE_SITE, caught_up
from floe.server.problems import answer
from floe.shapes.runs import summary_shape

INPUT_MAX: Final = 8_000
"""Characters of an input that are shown."""


async def index(request: web.Request) -> web.Response:
    """The flows of flyte."""
    query(request).done()
    hub, site = request.app[HUB], request.app[FLYTE_SITE]
    await caught_up(site.flows)
    versions = site.flow_book.all()
    runs = await hub.reads.flow_runs([one.flow for one in versions])
    flows = []
    for one in versions:
        last = runs[one.flow.id].last
        flows.append(
            {**_head(one), "last": summary_shape(last, hub.reads.name_of) if last else None}
        )
    return answer({"flows": flows})


async def show(request: web.Request) -> web.Response:
    """A flow of flyte with its graph, its steps, and its versions that are still stored."""
    query(request).done()
    site, id = request.app[FLYTE_SITE], request.match_info["flow"]
    version = site.flow_book.find(id)
    if version is None:
        await caught_up(site.flows)
        version = site.flow_book.find(id)
    if version is None:
        raise NotFound(f"no flow {id[:80]} of flyte", "it may have been deleted; its runs go on")
    return answer(
        {
            **_head(version),
            "digest": digest_of(version.flow),
            "graph": flyte_graph(version.flow),
            "steps": _steps(version, site.pack_book),
            "versions": [
                {"version": one.uuid, "at": iso(one.at), "by": one.by}
                for one in site.flow_book.stored(version.name)
            ],
        }
    )


def _head(version: FlowVersion) -> Shape:
    events = dict.fromkeys(
        (step["event"]["packName"], step["event"]["name"]) for step in version.steps
    )
    return {
        "id": version.flow.id,
        "name": version.name,
        "description": version.description,
        "version": version.uuid,
        "at": iso(version.at),
        "by": version.by,
        "count": len(version.flow.nodes),
        "events": [{"pack": pack, "event": event} for pack, event in events],
    }


def _steps(version: FlowVersion, book: PackBook) -> list[Shape]:
    steps, unknown = version.steps, unknown_ids(version.steps)
    declared = declared_events(book.all())
    awaited: dict[Asked, list[str]] = {}
    for node, step in zip(version.flow.nodes, steps, strict=True):
        awaited.setdefault(_asked(step["event"]), []).append(node.id)
    return [
        {
            "node": node.id,
            "id": step.get("id", ""),
            "event": _part(step["event"]),
            "declared": _asked(step["event"]) in declared,
            "depends_on": list(dict.fromkeys(step.get("dependsOn", ()))),
            "unknown": unknown.get(number, []),
            "context": dict(step.get("context", {})),
            "criteria": step.get("criteria", ""),
            "command": _part(step["command"]),
            "input": _input_text(step["command"].get("input")),
            "served": _served(step["command"], book),
            "may_be": _results(step["command"], book, awaited),
        }
        for number, (node, step) in enumerate(zip(version.flow.nodes, steps, strict=True))
    ]


def _asked(part: Shape) -> Asked:
    return part["packName"], part["name"]


def _part(part: Shape) -> Shape:
    return {
        "pack": part["packName"],
        "name": part["name"],
        "labels": dict(part.get("packLabels", {})),
    }


def _input_text(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= INPUT_MAX else f"{text[:INPUT_MAX]}…"


def _served(command: Shape, book: PackBook) -> str:
    """Whether a pack may carry out a command now. Labels that are templates count as fitting."""
    fixed = {k: v for k, v in command.get("packLabels", {}).items() if "{" not in v}
    named = book.named(command["packName"])
    fitting = [pack for pack in named if pack.covers(fixed)]
    if not fitting:
        return "labels" if named else "no-pack"
    if not any(pack.has(command["name"]) for pack in fitting):
        return "command"
    return "live" if any(book.status(pack) == "live" for pack in fitting) else "silent"


def _results(command: Shape, book: PackBook, awaited: dict[Asked, list[str]]) -> list[Shape]:
    """The events that the result of a command may be, and the steps that wait for each."""
    pack, named = command["packName"], book.named(command["packName"])
    events = _declared(command, named)
    is_known = any(one.has(command["name"]) for one in named)
    of_pack = [event for of, event in awaited if of == pack and event not in events]
    waited = [] if is_known and len(events) > 1 else of_pack
    known = [(event, True) for event in events] + [(event, False) for event in waited]
    return [
        {"event": event, "declared": is_declared, "steps": awaited.get((pack, event), [])}
        for event, is_declared in known
    ]


def _declared(command: Shape, packs: Sequence[KnownPack]) -> list[str]:
    found = [event for pack in packs for event in events_of(pack, command["name"])]
    return [*dict.fromkeys([*found, FATAL_EVENT])]
