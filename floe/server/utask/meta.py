"""The routes about the server itself."""

from typing import Final

import floe
from floe.model.errors import FloeError
from floe.model.ids import Shape
from floe.server.utask.calls import PLAIN, UtaskCall, UtaskReply
from floe.server.utask.task_lists import counted_states

MOVED: Final = '<a href="{to}">Moved Permanently</a>.\n\n'


async def index(call: UtaskCall) -> UtaskReply:
    """The root leads to what the server is."""
    to = f"{call.prefix}/meta"
    headers = {"Location": to, "Content-Type": "text/html; charset=utf-8"}
    return UtaskReply(301, text=MOVED.format(to=to), headers=headers)


async def show(call: UtaskCall) -> UtaskReply:
    """What the server is, and its caller."""
    shape: Shape = {
        "application_name": call.site.name,
        "user_is_admin": True,
        "username": call.user.name,
        "user_groups": [*call.user.groups],
        "version": floe.__version__,
        "commit": "",
    }
    return UtaskReply(200, shape)


async def ping(call: UtaskCall) -> UtaskReply:
    """Whether the server works."""
    try:
        await call.site.hub.reads.kept("utask.ping")
    except FloeError as error:
        return UtaskReply(500, {"error": str(error)})
    return UtaskReply(200, text="pong", headers={"Content-Type": PLAIN})


async def rotate_key(call: UtaskCall) -> UtaskReply:
    """Encrypt all that is sealed with a new key."""
    await call.site.hub.rotate_key(by=call.user.name)
    return UtaskReply(200, text="")


async def stats(call: UtaskCall) -> UtaskReply:
    """How many tasks are in each state."""
    return UtaskReply(200, {"task_states": await counted_states(call)})
