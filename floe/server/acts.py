"""What a person may do to a run of a dialect: the list for its page, and the acts."""

from aiohttp import web

from floe.model.acts import Acts
from floe.model.errors import Conflict
from floe.model.ids import Shape
from floe.model.run import Run
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.server.utask.site import UTASK_SITE
from floe.shapes.forms import form_shape
from floe.shapes.runs import summary_shape

UTASK = "utask"


async def index(request: web.Request) -> web.Response:
    """What a person may do to a run now; nothing to a run of floe's own."""
    query(request).done()
    run = await request.app[HUB].reads.run(request.match_info["run"])
    return answer(_acts_shape(_acts_of(run)))


async def do(request: web.Request) -> web.Response:
    """Do one of these things."""
    query(request).done()
    fields = await json_body(request)
    values = dict(fields.mapping("values"))
    fields.done()
    hub, act = request.app[HUB], request.match_info["act"]
    once = idempotency_key(request)
    if known := await hub.done_before(once):
        return answer(summary_shape(known.row, hub.reads.name_of), 202)
    run = await hub.reads.run(request.match_info["run"])
    if not _is_utask(run):
        raise Conflict(f"{hub.reads.name_of(run.ref)} is a run of floe's own, without such acts")
    from floe.server.utask.acts import do_act  # most hosts have no templates

    by = request[CALLER].by
    await do_act(request.app[UTASK_SITE], run, act, values, by=by, once=once)
    row = hub.reads.row_of(await hub.reads.run(run.ref.key))
    return answer(summary_shape(row, hub.reads.name_of), 202)


def _acts_of(run: Run) -> Acts:
    if not _is_utask(run):
        return Acts()
    from floe.server.utask.acts import acts_of  # most hosts have no templates

    return acts_of(run)


def _is_utask(run: Run) -> bool:
    return run.flow is not None and run.flow.dialect == UTASK


def _acts_shape(acts: Acts) -> Shape:
    return {
        "hint": acts.hint,
        "acts": [
            {
                "id": one.id,
                "name": one.name,
                "why": one.why,
                "form": form_shape(one.form) if one.form is not None else None,
            }
            for one in acts.acts
        ],
    }
