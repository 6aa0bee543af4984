"""uTask's own actions, by name."""

from functools import partial

from floe.calls.utask.action import ActionCall, CameTo, UtaskActionType
from floe.calls.utask.cache import cache
from floe.calls.utask.http import http, http_resources
from floe.calls.utask.plain import echo, tag
from floe.calls.utask.scripts import script, script_resources
from floe.calls.utask.settings import UtaskCallSettings
from floe.nodes.call_ground import CallGround


def builtins(settings: UtaskCallSettings, ground: CallGround) -> tuple[UtaskActionType, ...]:
    """uTask's own actions on a host."""

    async def cached(call: ActionCall) -> CameTo:
        return await cache(call, ground.rows)  # the hub lends its rows later

    return (
        UtaskActionType(name="cache", run=cached),
        UtaskActionType(name="echo", run=echo),
        UtaskActionType(
            name="http", run=partial(http, forbidden=ground.forbidden), resources=http_resources
        ),
        UtaskActionType(
            name="script",
            run=partial(script, scripts=settings.scripts, commands=ground.commands),
            resources=script_resources,
        ),
        UtaskActionType(name="tag", run=tag),
    )
