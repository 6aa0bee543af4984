"""Serves the dashboard: its page at every address below it, its files by name. Public."""

import asyncio

from aiohttp import web

from floe.server.app_keys import WEBAPP
from floe.server.webapp import Asset

HOME = "/app/dash"


async def home(request: web.Request) -> web.Response:
    """Redirect a browser from `/` to the static page of the dashboard."""
    return web.Response(status=302, headers={"Location": HOME})


async def page(request: web.Request) -> web.Response:
    """The static page of the dashboard; the address selects the part it shows."""
    webapp = request.app[WEBAPP]
    asset = await asyncio.to_thread(webapp.page)
    response = _sent(request, asset)
    response.headers["Content-Security-Policy"] = await asyncio.to_thread(webapp.policy)
    return response


async def file(request: web.Request) -> web.Response:
    """A static file of the dashboard."""
    name = request.match_info["name"]
    return _sent(request, await asyncio.to_thread(request.app[WEBAPP].asset, name))


def _sent(request: web.Request, asset: Asset) -> web.Response:
    headers = {"ETag": f'"{asset.etag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if any(known.value in (asset.etag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = asset.content_type
    if asset.content_type.startswith("text/"):
        headers["Content-Type"] += "; charset=utf-8"
    if asset.gzipped is None or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=asset.body, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return web.Response(body=asset.gzipped, headers=headers)
