"""The OpenAPI description, generated from the table of routes."""

import re
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

import floe
from floe.model.ids import Shape
from floe.server.app_keys import ROUTES_OF, SETTINGS
from floe.server.fields import query
from floe.server.json_schema import ref
from floe.server.problems import answer
from floe.server.route import Route

_VARIABLE: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")

_MEDIA: Final[Mapping[str, Shape]] = {
    "text/plain": {"text/plain": {"schema": {"type": "string"}}},
    "text/html": {"text/html": {"schema": {"type": "string"}}},
    "*/*": {"*/*": {}},
}

SECURITY: Final = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Floe-Auth"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "floe-sesh"},
}

CLUSTER: Final = {"cluster": {"type": "apiKey", "in": "header", "name": "X-Floe-Cluster"}}
"""For requests between hosts."""


async def show(request: web.Request) -> web.Response:
    """The OpenAPI description of this API."""
    query(request).done()
    return answer(description(request.app[ROUTES_OF], request.app[SETTINGS].base_url))


def description(routes: tuple[Route, ...], base_url: str) -> Shape:
    """The OpenAPI document of these routes."""
    from floe.server.frame_schemas import FRAMES  # loaded for the first reader of the document
    from floe.server.schemas import SCHEMAS

    paths: dict[str, Shape] = {}
    for route in routes:
        path = paths.setdefault(_named(route.at(base_url)), {})
        path[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "floe", "version": floe.__version__},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **FRAMES},
            "securitySchemes": {**SECURITY, **CLUSTER},
        },
        "security": [{name: []} for name in SECURITY],
    }


def _operation(route: Route) -> Shape:
    handler = route.handler
    shape: Shape = {
        "operationId": f"{route.method.lower()} {_named(route.path)}",
        "summary": (handler.__doc__ or "").partition("\n")[0],
        "parameters": [
            *_in_path(route),
            *_given(route.query, "query"),
            *_given(route.headers, "header"),
        ],
        "responses": {str(s): _response(s, name) for s, name in route.answers.items()},
    }
    if route.body:
        content = _MEDIA.get(route.body) or {"application/json": {"schema": ref(route.body)}}
        shape["requestBody"] = {"content": content, "required": False}
    if route.sends:
        # OpenAPI has no words for what follows the handshake of a websocket.
        shape["x-websocket"] = {"sends": ref(route.sends), "accepts": ref(route.accepts)}
    if route.public:
        shape["security"] = []
    if route.peer:
        shape["security"] = [{name: []} for name in CLUSTER]
    shape["responses"]["default"] = _response(0, "Problem")
    return shape


def _named(path: str) -> str:
    return _VARIABLE.sub(r"{\1}", path)


def _in_path(route: Route) -> list[Shape]:
    schema = {"type": "string"}
    names = _VARIABLE.findall(route.path)
    return [{"name": n, "in": "path", "required": True, "schema": schema} for n in names]


def _given(schemas: Mapping[str, Mapping[str, Any]], where: str) -> list[Shape]:
    return [{"name": n, "in": where, "schema": s} for n, s in schemas.items()]


def _response(status: int, name: str) -> Shape:
    what = "what went wrong" if name == "Problem" else _WORDS.get(status, "the answer")
    if not name:
        return {"description": what}
    media = "application/problem+json" if name == "Problem" else "application/json"
    content = _MEDIA.get(name) or {media: {"schema": ref(name)}}
    return {"description": what, "content": content}


_WORDS: Final[Mapping[int, str]] = {
    101: "the websocket is open",
    201: "created",
    202: "accepted, and on disk",
    204: "done",
    206: "the requested range",
    302: "go there",
}
