"""The routes of the toy dialect: what its programs and people ask of a host."""

import os
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from floe.host.opening_inputs import OpenRun
from floe.hub.openings.event_inbox import Heard
from floe.model.codec import digest_of
from floe.model.ids import NodeId
from floe.model.judging import Update
from floe.model.passes import BeginPass
from floe.model.signal import Answered, Signal
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.server.route import Route
from tests.toy.dialect import FLOWS, flows_in

WAIT_S: Final = 30.0
"""Seconds that an answer waits for runs: a test needs them, and an evaluator may have to start."""


async def hear(request: web.Request) -> web.Response:
    """An outside event."""
    fields = await json_body(request)
    event = fields.mapping("event")
    fields.done()
    return answer(
        _heard(request, await request.app[HUB].inbox.hear("toy", event, wait_s=WAIT_S)), 202
    )


async def open_run(request: web.Request) -> web.Response:
    """A person opens a run."""
    fields = await json_body(request)
    name, verdict = fields.text("flow", None), fields.text("verdict")
    values = fields.mapping("values")
    fields.done()
    flow = next(one for one in flows_in(Path(os.environ[FLOWS])) if one.id == name)
    opening = OpenRun(
        flow=flow,
        digest=digest_of(flow),
        trigger=NodeId("start"),
        values=values,
        by=request[CALLER].by,
        verdict=verdict,
        once=idempotency_key(request, name),
    )
    done = await request.app[HUB].open(opening)
    return answer({"run": done.id, "known": done.is_known}, 202)


async def take(request: web.Request) -> web.Response:
    """A program asks for work."""
    fields = await json_body(request)
    queue, by, name = fields.text("queue"), fields.text("by"), fields.text("take")
    fields.done()
    work = await request.app[HUB].outside.take(queue, by=by, take=name)
    return answer({"key": work.key, "take": work.take} if work else {})


async def answer_work(request: web.Request) -> web.Response:
    """A program answers its work; with an event, that is heard too."""
    fields = await json_body(request)
    key, name, event = fields.text("key"), fields.text("take"), fields.mapping("event")
    fields.done()
    hub = request.app[HUB]
    report = Answered(good=True, outputs={})
    heard = hub.inbox.event("toy", event) if event else None
    number = await hub.outside.answer(key, report, take=name, event=heard)
    return answer(
        _heard(request, await hub.inbox.opened(number, wait_s=WAIT_S)) if number else {}, 202
    )


async def update(request: web.Request) -> web.Response:
    """News for a run."""
    fields = await json_body(request)
    key, state = fields.text("key"), fields.text("state")
    fields.done()
    return await _signal(request, Update(source="test", key=key, state=state))


async def begin_pass(request: web.Request) -> web.Response:
    """A person begins a pass."""
    return await _signal(request, BeginPass(by=request[CALLER].by))


async def findings(request: web.Request) -> web.Response:
    """What was wrong when events were judged for a flow."""
    found = request.app[HUB].inbox.findings(request.match_info["flow"])
    return answer({"count": found.count, "newest": [*found.newest]})


async def _signal(request: web.Request, signal: Signal) -> web.Response:
    hub = request.app[HUB]
    reply = await hub.loop.ask(signal, run=hub.reads.ref(request.match_info["run"]))
    return answer({"changed": reply.changed})


def _heard(request: web.Request, heard: Heard) -> dict[str, Any]:
    named = request.app[HUB].reads.name_of
    runs = None if heard.runs is None else [named(ref) for ref in heard.runs]
    return {"number": heard.number, "runs": runs}


ROUTES: Final = (
    Route("POST", "toy/events", hear),
    Route("POST", "toy/runs", open_run),
    Route("POST", "toy/take", take),
    Route("POST", "toy/answer", answer_work),
    Route("POST", "toy/runs/{run}/update", update),
    Route("POST", "toy/runs/{run}/pass", begin_pass),
    Route("GET", "toy/findings/{flow}", findings),
)
