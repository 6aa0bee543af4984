"""The secrets of a host: their names, never their values."""

from aiohttp import web

from floe.model.errors import IdInvalid
from floe.model.secret_name import NAME_LIKE, SecretName, secret_name
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.hosts import at_named_host
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.shapes.secrets import rotated_shape, secrets_shape


@at_named_host
async def index(request: web.Request) -> web.Response:
    """The secrets that this host has, and those that its flows name and it lacks."""
    query(request).done()
    reads = request.app[HUB].reads
    return answer({"host": reads.host, **secrets_shape(reads.secrets(), reads.book().flows)})


@at_named_host
async def put(request: web.Request) -> web.Response:
    """Set a secret in the vault of this host."""
    idempotency_key(request)  # safe to repeat: the value is the same
    query(request).done()
    body = await json_body(request)
    name, value = _name(body.text("name", None)), body.text("value", None)
    body.done()
    await request.app[HUB].set_secret(name, value, by=request[CALLER].by)
    return web.Response(status=204)


@at_named_host
async def remove(request: web.Request) -> web.Response:
    """Remove a secret from the vault of this host."""
    query(request).done()
    name = _name(request.match_info["name"])
    await request.app[HUB].remove_secret(name, by=request[CALLER].by)
    return web.Response(status=204)


@at_named_host
async def rotate(request: web.Request) -> web.Response:
    """Encrypt all secrets in the vault of this host with a new key."""
    idempotency_key(request)  # safe to repeat: one more new key
    query(request).done()
    hub = request.app[HUB]
    use = await hub.rotate_key(by=request[CALLER].by)
    return answer({"host": hub.reads.host, **rotated_shape(use)})


def _name(text: str) -> SecretName:
    if (name := secret_name(text)) is None:
        raise IdInvalid("name of a secret", text, NAME_LIKE)
    return name
