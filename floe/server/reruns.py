"""Start an ended run again, or show what that would do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from floe.host.rerun_plan import RerunRequest
from floe.hub.ended.child_reruns import start_here
from floe.model.codec import encode
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import Fields, query
from floe.server.idempotency import idempotency_key
from floe.server.json_schema import FLAG, TEXT
from floe.server.problems import answer
from floe.shapes.reruns import plan_shape
from floe.shapes.runs import summary_shape

QUERY: Final[Mapping[str, Mapping[str, Any]]] = {
    "from": TEXT,
    "failed": FLAG,
    "latest": FLAG,
    "edited": {**FLAG, "description": "values will be replaced: approvals of them do not count"},
}
"""Of a plan."""


async def show(request: web.Request) -> web.Response:
    """What a re-run would do."""
    fields = query(request)
    again = replace(_again(fields, request[CALLER].by), is_edited=fields.flag("edited") or False)
    fields.done()
    return answer(plan_shape(await request.app[HUB].rerun_plan(request.match_info["run"], again)))


async def start(request: web.Request) -> web.Response:
    """Start an ended run again, or show what that would do with the given values."""
    query(request).done()
    fields = await json_body(request)
    again, is_dry = _again(fields, request[CALLER].by), fields.flag("dry_run") is True
    fields.done()
    hub, run, by = request.app[HUB], request.match_info["run"], request[CALLER].by
    if is_dry:
        return answer(plan_shape(await hub.rerun_plan(run, again)))
    done = await hub.rerun(run, again, by=by, once=idempotency_key(request, run))
    summary = summary_shape(done.row, hub.reads.name_of)
    return answer({"run": summary["id"], "summary": summary}, 202)


async def of_child(request: web.Request) -> web.Response:
    """What the re-run of a failed child takes over, for the host that runs its parent again."""
    fields = query(request)
    run, by = fields.text("run", None), fields.text("by", None)
    fields.done()
    # Unmasked, as in an Offer: passwords in the values are what the child runs with.
    return answer(encode(await start_here(request.app[HUB].reads, run, by)), is_output=True)


def _again(fields: Fields, by: str) -> RerunRequest:
    node, failed = fields.text("from"), fields.flag("failed") or False
    if node and failed:
        fields.wrong("failed", "from and failed exclude each other")
    return RerunRequest(
        node=node,
        failed=failed,
        values=fields.mapping("values"),
        latest=fields.flag("latest") or False,
        same_host=fields.flag("same_host") or False,
        by=by,
    )
