"""The personal tokens: their list, and how one is revoked. `login` creates them."""

import structlog
from aiohttp import web

from floe.model.codec import iso
from floe.server.app_keys import AUTH, CALLER
from floe.server.fields import query
from floe.server.problems import answer
from floe.server.token import ID_LEN

log = structlog.get_logger()


async def tokens(request: web.Request) -> web.Response:
    """The personal tokens; their texts are shown once, at their creation."""
    query(request).done()
    personal = request.app[AUTH].tokens.personal
    rows = [
        {
            "id": key[:ID_LEN],
            "name": token.name,
            "made_at": iso(token.made_at),
            "made_by": token.maker[:ID_LEN],
        }
        for key, token in personal.all().items()
    ]
    return answer({"tokens": rows, "old": personal.age()})


async def revoke(request: web.Request) -> web.Response:
    """Revoke a personal token, with the sessions and tokens that were made with it."""
    query(request).done()
    personal, by = request.app[AUTH].tokens.personal, request[CALLER].by
    key = await personal.key_of(request.match_info["token"])
    await personal.end(key, by=by)
    log.info("auth.token_revoked", by=by, token=key[:ID_LEN])
    return web.Response(status=204)
