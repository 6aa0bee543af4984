"""Remove ended runs and workspaces that are not kept, or show which would go."""

from typing import Final, get_args

from aiohttp import web

from floe.host.retention import RetentionRemovals, Wanted
from floe.model.ids import RunRef, flow_id
from floe.model.keep import Keep, SpacesKept
from floe.server.app_keys import HUB
from floe.server.bodies import json_body
from floe.server.fields import Fields, query
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.shapes.runs import Named

LIMIT_MAX: Final = 10**15
UNSET: Final = -1
SPACES: Final[tuple[SpacesKept, ...]] = get_args(SpacesKept)


async def start(request: web.Request) -> web.Response:
    """Prune runs: remove what the config, or the request, does not keep at this host."""
    idempotency_key(request)  # safe to repeat: what is gone is not found again
    query(request).done()
    body = await json_body(request)
    is_dry, flow, keep = body.flag("dry_run") is True, body.text("flow"), _keep(body.sub("keep"))
    body.done()
    hub = request.app[HUB]
    wanted = Wanted(flow=flow_id(flow) if flow else None, keep=keep)
    found = await hub.reads.prunable(wanted)
    is_done = is_dry or await hub.prune(wanted)
    return answer(_shape(hub.reads.host, found, hub.reads.name_of) | {"done": is_done}, 202)


def _keep(fields: Fields) -> Keep:
    numbers = {name: fields.integer(name, UNSET, 0, LIMIT_MAX) for name in ("runs", "bytes")}
    days = fields.number("days", UNSET, 0, LIMIT_MAX)
    word = fields.text("workspaces")
    spaces = next((one for one in SPACES if one == word), None)
    if word and spaces is None:
        fields.wrong("workspaces", f"one of {', '.join(SPACES)} is expected")
    return Keep(
        runs=None if numbers["runs"] == UNSET else numbers["runs"],
        age_s=None if days == UNSET else days * 86_400,
        bytes=None if numbers["bytes"] == UNSET else numbers["bytes"],
        workspaces=spaces,
    )


def _shape(host: str, found: RetentionRemovals, named: Named) -> dict[str, object]:
    return {
        "id": host,
        "runs": found.runs,
        "workspaces": found.workspaces,
        "bytes": found.bytes,
        "sealed": found.sealed,
        "some": [
            {
                "run": named(RunRef.parse(key)),
                "what": "run" if verdict.run else "workspace",
                "why": verdict.run or verdict.space,
            }
            for key, verdict in found.some
        ],
    }
