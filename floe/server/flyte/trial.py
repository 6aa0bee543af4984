"""An event that a person tries: what it would come to, and sent in place of its pack."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final, NamedTuple, cast

import structlog
from aiohttp import web

from floe.dialects.flyte.audit import go_time
from floe.dialects.flyte.compiled import DIALECT, compiled, flow_id_of
from floe.dialects.flyte.events import SENT_BY, kept_event
from floe.dialects.flyte.flow import FlyteStep
from floe.dialects.flyte.payloads import example_payload
from floe.dialects.flyte.reading import flow_of
from floe.dialects.flyte.trial import TRY
from floe.evaluators.base import EvaluatorFailed
from floe.host.pack_events import listens, pack_event, values_by
from floe.model.codec import digest_of, from_text, to_text
from floe.model.errors import NotFound
from floe.model.flow import EVENT
from floe.model.ids import Json, Shape
from floe.server.app_keys import CALLER
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.flyte.flows import document_of
from floe.server.flyte.go_json import go_numbers, written_numbers
from floe.server.flyte.site import FLYTE_SITE, FlyteSite, caught_up
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer

log = structlog.get_logger()

FLOWS_MAX: Final = 50
"""Flows in one reply; the rest are counted."""

EVENTS_MAX: Final = 1000
"""Events that are offered."""

NEAR_MAX: Final = 20
"""Events that are named where no flow waits for the one that is tried."""

SEND_WAIT_S: Final = 2.0
"""Seconds that the sender of an event waits for its runs."""


class TriedEvent(NamedTuple):
    """An event that a person tries."""

    event: Shape
    """As runs keep it."""
    pack: str
    """The id of its pack."""
    is_registered: bool


async def index(request: web.Request) -> web.Response:
    """The events that current flows wait for, with an example of the payload of each."""
    query(request).done()
    site = request.app[FLYTE_SITE]
    await caught_up(site.flows)
    found: dict[tuple[str, str], list[FlyteStep]] = {}
    for row in site.flows.all():
        flow = flow_of(document_of(site, row)).flow
        for step in flow.steps if flow else ():
            found.setdefault((step.event.pack_name, step.event.name), []).append(step)
    events = [
        {"pack": pack, "event": event, "payload": example_payload(steps)}
        for (pack, event), steps in sorted(found.items())[:EVENTS_MAX]
        if any(not step.depends_on for step in steps)
    ]
    return answer({"events": events}, is_output=True)


async def attempt(request: web.Request) -> web.Response:
    """What an event would come to in the current flows. Nothing is kept, and no run begins."""
    idempotency_key(request)  # safe to repeat: nothing is kept
    site = request.app[FLYTE_SITE]
    found = await _asked(request, site)
    await caught_up(site.flows)
    flows = list(_awaiting(site, found.event))
    tried = [await _tried(site, document, found.event) for document, _ in flows[:FLOWS_MAX]]
    return answer(
        written_numbers(
            {
                "pack": found.pack,
                "registered": found.is_registered,
                "event": found.event["event"],
                "flows": tried,
                "more": max(0, len(flows) - FLOWS_MAX),
                "starts": _starts(site, found.event),
                "near": [] if flows else _near(site, found.event),
            }
        ),
        is_output=True,
    )


async def send(request: web.Request) -> web.Response:
    """Send an event in place of its pack: it is kept, and opens the runs that begin with it."""
    site = request.app[FLYTE_SITE]
    found = await _asked(request, site)
    if not found.is_registered:
        hint = "an event has a registered pack: register it, or choose one of those"
        raise NotFound(f"no pack {found.pack[:80]}", hint)
    by, once = request[CALLER].by, idempotency_key(request)
    async with site.sent.one:
        if (number := site.sent.find(once)) is None:
            event: Json = {**found.event, SENT_BY: by}
            heard = await site.hub.inbox.hear(DIALECT, event, wait_s=SEND_WAIT_S)
            site.sent.note(once, heard.number)
            log.info("flyte.event_sent", flyte_event=found.event["event"], pack=found.pack, by=by)
        else:
            heard = await site.hub.inbox.opened(number, wait_s=SEND_WAIT_S)
    name_of = site.hub.reads.name_of
    runs = None if heard.runs is None else [name_of(run) for run in heard.runs]
    return answer({"judged": runs is not None, "runs": runs or []}, HTTPStatus.ACCEPTED)


async def _asked(request: web.Request, site: FlyteSite) -> TriedEvent:
    """The event in a body; of a pack that is not registered, by its name. Raises Yours."""
    query(request).done()
    fields = await json_body(request)
    id, name = fields.text("pack", None), fields.text("event", None)
    payload = go_numbers(fields.value("payload"))
    fields.done()
    row = await site.packs.find(id)
    pack: Shape = cast(Shape, row.value) if row else {"name": id}
    event = kept_event(
        name,
        pack["name"],
        pack.get("labels", {}),
        payload,
        created_at="",
        received_at=go_time(site.hub.clock.now()),
    )
    return TriedEvent(event, id, row is not None)


def _awaiting(site: FlyteSite, event: Shape) -> Iterator[tuple[Shape, str]]:
    """The current flows with a step that waits for an event, by name, with their versions."""
    for row in sorted(site.flows.all()):
        document = document_of(site, row)
        if any(_listens(step) == _sent(event) for step in document.get("steps", ())):
            yield document, str(row.value)


async def _tried(site: FlyteSite, document: Shape, event: Shape) -> Json:
    flow = compiled(document, "tried")
    around = site.hub.inbox.around(DIALECT, flow, digest_of(flow))
    body: Json = {
        "flow": document,
        "event": event,
        "around": from_text(around.body.decode()) if around else None,
    }
    name = document["name"]
    found: Shape = {"id": flow_id_of(name), "name": name, "steps": [], "failed": ""}
    try:
        found["steps"] = await site.hub.people.judge_text(DIALECT, TRY, body)
    except EvaluatorFailed as error:  # of this flow alone: a template took too long, or too much
        found["failed"] = error.what
    for step in found["steps"]:
        if step["outcome"] == "fires":
            step["action"]["waits"] = _missing(site, step["action"])
    return found


def _starts(site: FlyteSite, event: Shape) -> list[Json]:
    """The flows of floe with a trigger for an event, with the values of their runs."""
    book, heard = site.hub.reads.book(), pack_event(DIALECT, to_text(event))
    found: list[Json] = []
    for flow in {flow.id: book.find(flow.id) for flow in book.flows}.values():
        for trigger in flow.triggers:
            if heard is None or trigger.heard is None or not listens(trigger.heard, heard):
                continue
            values, why = values_by(trigger, heard)
            given: Json = {name: value for name, value in values.items() if name != EVENT}
            found.append(
                {
                    "flow": flow.id,
                    "name": flow.name,
                    "trigger": trigger.name,
                    "values": given,
                    "condition": trigger.condition,
                    "why": why,
                }
            )
    return found[:FLOWS_MAX]


def _missing(site: FlyteSite, action: Shape) -> str:
    """Why no registered pack would take an action; empty if one would."""
    packs = [cast(Shape, row.value) for row in site.packs.all()]
    named = [pack for pack in packs if pack["name"] == action["pack"]]
    if not named:
        return f"no pack {action['pack']} is registered: the action would wait for one"
    labels = action["labels"].items()
    fit = [pack for pack in named if labels <= pack.get("labels", {}).items()]
    if not fit:
        shown = ", ".join(f"{name}={value}" for name, value in labels)
        return f"no pack {action['pack']} has {shown}: the action would wait for one"
    commands = {one["name"] for pack in fit for one in pack.get("commands", ())}
    if action["command"] not in commands:
        return f"no pack {action['pack']} names a command {action['command']}: it may fail"
    return ""


def _near(site: FlyteSite, event: Shape) -> list[Json]:
    """Events that flows wait for, those of the same pack first."""
    found = {
        _listens(step)
        for row in site.flows.all()
        for step in document_of(site, row).get("steps", ())
        if not step.get("dependsOn")
    }
    pack, _ = _sent(event)
    ordered = sorted(found, key=lambda one: (one[0] != pack, one))
    return [{"pack": one[0], "event": one[1]} for one in ordered[:NEAR_MAX]]


def _listens(step: Shape) -> tuple[str, str]:
    return step["event"]["packName"], step["event"]["name"]


def _sent(event: Shape) -> tuple[str, str]:
    return event["pack"]["name"], event["event"]
