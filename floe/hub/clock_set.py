"""What a host does when its wall clock was set: all is due after as long a time as before."""

import asyncio
from typing import TYPE_CHECKING

import structlog

from floe.host.inputs import Addressed, Mark
from floe.hub.clock import CHECK_S
from floe.store.base import LedgerWrite

if TYPE_CHECKING:
    from floe.hub.hub import Hub

log = structlog.get_logger()


async def follow_clock(hub: "Hub") -> None:
    """Look now and then whether the wall clock was set, until cancelled.

    What moves, moves between two batches: a timer that a batch decided on is set by then.
    """
    problem = ""
    while True:
        before, problem = problem, hub.clock.problem()
        if problem and not before:
            log.warning("clock.jumped", problem=problem)
        hub.loop.between(lambda: _accept(hub))
        await asyncio.sleep(CHECK_S)


def _accept(hub: "Hub") -> None:
    by_ms = hub.clock.accept()
    if not by_ms:
        return
    log.warning("clock.set", by_s=by_ms / 1000)
    hub.timers.move(by_ms)
    hub.triggers.move(by_ms)
    hub.lists.directory.move(by_ms)
    hub.loop.look()
    row = LedgerWrite(kind="clock", key="boot", value=hub.clock.row())
    hub.loop.say(Addressed(word=Mark(rows=(row,))))
