"""The secrets of a host: their names, never their values."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiohttp import web

from floe.model.codec import iso
from floe.model.errors import IdInvalid
from floe.model.flow import Flow
from floe.model.ids import FlowId
from floe.model.secret_name import NAME_LIKE, SecretName, secret_name
from floe.nodes.base import ShownSecret
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.hosts import at_named_host
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer


@at_named_host
async def index(request: web.Request) -> web.Response:
    """The secrets that this host has, and those that its flows name and it lacks."""
    query(request).done()
    reads = request.app[HUB].reads
    has, users = reads.secrets(), _flows_by_secret(reads.book().flows)
    missing = sorted(users.keys() - {one.name for one in has})
    return answer(
        {
            "host": reads.host,
            "secrets": [_shape(one, users.get(one.name, ())) for one in has],
            "missing": [{"name": name, "flows": sorted(users[name])} for name in missing],
        }
    )


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


def _name(text: str) -> SecretName:
    if (name := secret_name(text)) is None:
        raise IdInvalid("name of a secret", text, NAME_LIKE)
    return name


def _flows_by_secret(flows: Sequence[Flow]) -> Mapping[SecretName, Collection[FlowId]]:
    """The flows that name each secret, as far as their flow-files were read."""
    users: dict[SecretName, set[FlowId]] = {}
    for flow in flows:
        for name in flow.secret_names:
            users.setdefault(name, set()).add(flow.id)
    return users


def _shape(shown: ShownSecret, flows: Collection[FlowId]) -> dict[str, Any]:
    return {
        "name": shown.name,
        "source": shown.source,
        "set_at": iso(shown.set_at),
        "set_by": shown.set_by,
        "problem": shown.problem,
        "flows": sorted(flows),
    }
