"""uTask's own actions, by name."""

import asyncio
from functools import partial

from floe.calls.utask.action import ActionCall, CameTo, UtaskActionType
from floe.calls.utask.batch import batch
from floe.calls.utask.cache import cache
from floe.calls.utask.callback import address_of, callback
from floe.calls.utask.http import AT_ONCE_MAX, http, http_resources
from floe.calls.utask.plain import echo, tag
from floe.calls.utask.scripts import script, script_resources
from floe.calls.utask.settings import UtaskCallSettings
from floe.calls.utask.ssh import ssh, ssh_resources
from floe.calls.utask.subtask import subtask
from floe.nodes.call_ground import CallGround


def builtins(settings: UtaskCallSettings, ground: CallGround) -> tuple[UtaskActionType, ...]:
    """uTask's own actions on a host."""

    async def cached(call: ActionCall) -> CameTo:
        return await cache(call, ground.rows)  # the hub lends its rows later

    address = address_of(settings.items())

    async def called_back(call: ActionCall) -> CameTo:
        return await callback(call, ground.rows, address)

    return (
        UtaskActionType(name="batch", run=partial(batch, ground=ground)),
        UtaskActionType(name="cache", run=cached),
        UtaskActionType(name="callback", run=called_back),
        UtaskActionType(name="echo", run=echo),
        UtaskActionType(
            name="http",
            run=partial(http, forbidden=ground.forbidden, places=asyncio.Semaphore(AT_ONCE_MAX)),
            resources=http_resources,
        ),
        UtaskActionType(
            name="script",
            run=partial(script, scripts=settings.scripts, commands=ground.commands),
            resources=script_resources,
        ),
        UtaskActionType(
            name="ssh", run=partial(ssh, commands=ground.commands), resources=ssh_resources
        ),
        UtaskActionType(name="subtask", run=partial(subtask, ground=ground)),
        UtaskActionType(name="tag", run=tag),
    )
