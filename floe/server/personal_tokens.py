"""The personal tokens: their list, and how one is revoked. `login` creates them."""

import structlog
from aiohttp import web

from floe.model.codec import iso
from floe.model.errors import NotFound
from floe.server.app_keys import AUTH, CALLER
from floe.server.fields import query
from floe.server.problems import answer
from floe.server.token import ID_LEN

log = structlog.get_logger()


async def tokens(request: web.Request) -> web.Response:
    """The personal tokens; their texts are shown once, at their creation."""
    query(request).done()
    found = request.app[AUTH].tokens.personal()
    rows = [
        {
            "id": id,
            "name": token.name,
            "made_at": iso(token.made_at),
            "made_by": token.maker[:ID_LEN],
        }
        for id, token in found
    ]
    return answer({"tokens": rows})


async def revoke(request: web.Request) -> web.Response:
    """Revoke a personal token, with the sessions and tokens that were made with it."""
    query(request).done()
    id = request.match_info["token"]
    if not await request.app[AUTH].tokens.revoke(id):
        raise NotFound(f"no token {id[:80]}", "GET tokens lists them")
    log.info("auth.token_revoked", by=request[CALLER].by, token=id)
    return web.Response(status=204)
