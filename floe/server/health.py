"""Whether this host lives, and whether it can take work. Public; says nothing else."""

from aiohttp import web

from floe.server.app_keys import HUB, STOPPING
from floe.server.problems import answer


async def live(request: web.Request) -> web.Response:
    """The process answers."""
    return answer({"ok": True})


async def ready(request: web.Request) -> web.Response:
    """New runs are taken and begun: the store writes, there is room, commands start, and nobody
    stops or drains the host."""
    hub = request.app[HUB]
    if request.app[STOPPING].is_set():
        return answer({"ok": False, "why": "stopping"}, 503)
    if refusal := hub.reads.refusal():
        return answer({"ok": False, "why": refusal}, 503)
    clock = hub.reads.clock_problem()  # it goes on rightly, but somebody may have to see to it
    return answer({"ok": True, "why": clock} if clock else {"ok": True})
