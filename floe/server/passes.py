"""The passes of judged runs: a person begins the next one of a run that rests."""

from aiohttp import web

from floe.model.errors import Conflict
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.shapes.runs import summary_shape


async def begin(request: web.Request) -> web.Response:
    """Begin the next pass of a run that rests."""
    query(request).done()
    fields = await json_body(request)
    reason = fields.text("why")
    fields.done()
    hub = request.app[HUB]
    run = await hub.reads.run(request.match_info["run"])
    name = hub.reads.name_of(run.ref)
    if run.passes is None:
        raise Conflict(f"{name} is a run of floe's own, which has no passes", "floe rerun")
    if not run.passes.number:
        raise Conflict(f"{name} has had no pass yet", f"{run.passes.verdict}: resolve it first")
    done = await hub.begin_pass(
        run.ref, by=request[CALLER].by, why=reason, once=idempotency_key(request)
    )
    return answer(summary_shape(done.row, hub.reads.name_of), 202)
