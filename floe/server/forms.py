"""The open forms of all runs."""

from typing import Any, Final

from aiohttp import web

from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.ids import ref_of
from floe.server import fan_out
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.problems import answer
from floe.shapes.forms import about, open_forms
from floe.shapes.runs import summary_shape

FORMS_MAX: Final = 200
"""Forms in one reply, oldest first."""


async def index(request: web.Request) -> web.Response:
    """Open forms of all hosts, each with its run, oldest first."""
    query(request).done()
    others = await fan_out.others(request)
    hub = request.app[HUB]
    found: list[dict[str, Any]] = [
        {
            "run": summary_shape(hub.reads.row_of(run), hub.reads.name_of),
            "form": form,
            "about": about(run),
        }
        for run in hub.reads.lives()
        if run.phase == "active" and run.open
        for form in open_forms(run)
    ]
    earlier = [
        {**one, "as_of": iso(reply.at)}
        for reply in others.earlier
        for one in reply.shape["forms"]
        if await _is_open(hub, one["run"]["key"])
    ]
    count = len(found) + sum(shape["count"] for shape in others.shapes) + len(earlier)
    found += [one for shape in others.shapes for one in shape["forms"]] + earlier
    for one in found:  # each host uses its own names for runs
        one["run"] = {**one["run"], "id": hub.reads.name_of_key(one["run"]["key"])}
    found.sort(key=lambda one: one["form"]["asked_at"])
    return answer({"forms": found[:FORMS_MAX], "count": count, "away": others.away})


async def _is_open(hub: Hub, key: str) -> bool:
    """Whether a run that had an open form may still have it, by its row here."""
    row = await hub.reads.row(ref) if (ref := ref_of(key)) else None
    return row is not None and row.state == "active"
