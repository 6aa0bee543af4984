"""What is wrong in a flow: templates that cannot be read, and faults at earlier events."""

from typing import Final, cast

from aiohttp import web

from floe.dialects.flyte.checking import checked_document
from floe.dialects.flyte.compiled import flow_id_of
from floe.dialects.flyte.faults import faulty_templates
from floe.dialects.flyte.known import KnownServer, known_server
from floe.dialects.flyte.reading import flow_of
from floe.model.errors import NotFound
from floe.model.ids import Shape
from floe.server import fan_out
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.flyte.flows import document_of
from floe.server.flyte.site import FLYTE_SITE, FlyteSite, caught_up
from floe.server.inbox import findings_shape
from floe.server.problems import answer

FAULTS_MAX: Final = 100
"""Templates that are listed, and doubts."""


async def show(request: web.Request) -> web.Response:
    """What is wrong in the templates of the current version of a flow, and what was wrong when
    events were judged for it, at each host."""
    query(request).done()
    site, id = request.app[FLYTE_SITE], request.match_info["flow"]
    for rows in (site.flows, site.packs, site.items):
        await caught_up(rows)
    document = flow_document(site, id)
    others = await fan_out.others(request)
    flow = flow_of(document).flow
    assert flow is not None, "the document was checked before it was kept"
    faults = list(faulty_templates(flow.steps, document.get("steps", ())))
    found = checked_document(document, "", _known(site))
    doubts = [one.what for one in found if one.level == "warning"]
    hub = request.app[HUB]
    judged = [{"host": hub.reads.host, **findings_shape(hub.inbox.findings(id))}]
    judged += [one for shape in others.shapes for one in shape["judged"]]
    return answer(
        {
            "flow": id,
            "name": document["name"],
            "templates": faults[:FAULTS_MAX],
            "doubts": doubts[:FAULTS_MAX],
            "judged": [one for one in judged if one["count"]],
            "away": others.away,
        },
        is_output=True,
    )


def flow_document(site: FlyteSite, id: str) -> Shape:
    """The document of the current version of a flow, by the id of its runs. Raises NotFound."""
    row = next((row for row in site.flows.all() if flow_id_of(row.name) == id), None)
    if row is None:
        raise NotFound(f"no flow {id[:80]}")
    return document_of(site, row)


def _known(site: FlyteSite) -> KnownServer:
    """The packs and the keys of items, by which events and commands of a flow are checked."""
    packs = [cast(Shape, row.value) for row in site.packs.all()]
    return known_server(packs, [key for key, _ in site.items.names()])
