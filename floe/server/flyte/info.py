"""What the API of flyte says about itself: the lists of links that its clients start from."""

from pathlib import Path
from typing import Final

from aiohttp import web

from floe.model.ids import Shape
from floe.server.flyte.bodies import reply
from floe.server.flyte.links import Links

SWAGGER: Final = Path(__file__).with_name("swagger.yml")


async def index(request: web.Request) -> web.Response:
    """The links of the root."""
    links = Links(request)
    return reply(
        request,
        {
            "links": [
                links.link("self", ""),
                {"href": links.of("#/info"), "rel": "help"},
                links.link(links.of("#!/info/v1"), "v1"),
            ]
        },
    )


async def v1(request: web.Request) -> web.Response:
    """The links of the API. Nothing may stand beside them: Go clients read only lists of links."""
    links = Links(request)
    shape: list[Shape] = [
        links.link("self", "v1"),
        links.link("up", ""),
        {"href": links.of("#!/info/v1"), "rel": "help"},
        links.link(links.of("#!/info/health"), "health"),
        links.link(links.of("#!/pack/listPacks"), "v1", "packs"),
        links.link(links.of("#!/flow/listFlows"), "v1", "flows"),
        links.link(links.of("#!/datastore/listDatastoreItems"), "v1", "datastore"),
        links.link(links.of("#!/flowAudit/findFlows"), "v1", "audit", "flows"),
        links.link(links.of(""), "v1", "swagger"),
    ]
    return reply(request, {"links": shape})


async def health(_: web.Request) -> web.Response:
    """An empty answer: this host serves."""
    return web.Response()


async def swagger(_: web.Request) -> web.Response:
    """The description of the API."""
    return web.Response(
        body=SWAGGER.read_bytes(), content_type="application/vnd.yaml", charset="utf-8"
    )


def list_links(links: Links, path: str, help: str) -> list[Shape]:
    """The links of a list below the API: itself, the API, and where it is described."""
    return [
        links.link("self", "v1", path),
        links.link("up", "v1"),
        {"href": links.of(f"#/{help}"), "rel": "help"},
    ]
