"""Sends a call of uTask's API to the host that has the run that it is about."""

import base64
import json
from http import HTTPStatus
from typing import cast

from floe.model.codec import to_text
from floe.model.errors import HostAway, Theirs
from floe.model.ids import HostId, Json, Shape
from floe.peers.base import FRAME_MAX, Request
from floe.server.utask.calls import UtaskCall, UtaskReply, UtaskUser
from floe.server.utask.site import PEER_PATH, UtaskSite


async def asked_there(
    site: UtaskSite, host: HostId, path: str, body: Json, user: UtaskUser
) -> UtaskReply:
    """What a different host answers to a call that hosts make. Raises HostAway, Theirs."""
    content = to_text(body).encode()
    call = UtaskCall(site=site, user=user, method="POST", path=path, content=content)
    return await asked_at(site, host, call)


async def asked_at(site: UtaskSite, host: HostId, call: UtaskCall) -> UtaskReply:
    """What a different host answers to a call. Raises HostAway, Theirs."""
    if site.peers is None:
        raise HostAway(f"this host does not know {host}", host=host)
    shape: Shape = {
        "user": call.user.name,
        "groups": [*call.user.groups],
        "method": call.method,
        "path": call.path,
        "query": call.query_text,
        "content": base64.b64encode(call.content).decode(),
    }
    asked = Request(
        method="PUT",
        path=PEER_PATH,
        headers={"Content-Type": "application/json"},
        body=to_text(shape).encode(),
        by=call.user.name or "utask",
    )
    body = bytearray()
    try:
        async with site.peers.relay(host, asked) as reply:
            async for data in reply.chunks():
                body += data
                if len(body) > FRAME_MAX:
                    raise Theirs(f"the reply of {host} has more than {FRAME_MAX} bytes")
        if reply.status != HTTPStatus.OK:
            raise HostAway(f"{host} answers {reply.status}", host=host)
        found = cast(Shape, json.loads(body))
        return UtaskReply(found["status"], found["shape"], found["text"], found["headers"])
    except ConnectionError as error:
        raise HostAway(f"{host} is away: {error}", host=host) from None
    except (ValueError, KeyError, TypeError):
        raise Theirs(f"the reply of {host} is no answer to a call") from None
