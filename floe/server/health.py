"""Whether this host is alive, and whether it accepts work. Public; reveals nothing else."""

from aiohttp import web

from floe.server.app_keys import HUB, STOPPING
from floe.server.problems import answer


async def live(request: web.Request) -> web.Response:
    """Health: whether the process replies."""
    return answer({"ok": True})


async def ready(request: web.Request) -> web.Response:
    """Health: whether new runs are accepted and started: the store writes, there is room,
    commands start, and the host neither stops nor drains."""
    hub = request.app[HUB]
    if request.app[STOPPING].is_set():
        return answer({"ok": False, "why": "stopping"}, 503)
    if refusal := hub.reads.refusal():
        return answer({"ok": False, "why": refusal}, 503)
    # With these the host works correctly, but an operator may have to act.
    troubles = filter(None, (hub.reads.clock_problem(), *hub.reads.lesser_troubles()))
    why = next(troubles, "")
    return answer({"ok": True, "why": why} if why else {"ok": True})
