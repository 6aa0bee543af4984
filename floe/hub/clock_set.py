"""What a host does when its wall clock was set: everything stays due after the same time."""

import asyncio
from collections.abc import Callable

import structlog

from floe.host.inputs import Incoming, Mark
from floe.hub.clock import CHECK_S, Clock
from floe.hub.loop import Loop
from floe.store.base import LedgerWrite

log = structlog.get_logger()


async def follow_clock(clock: Clock, loop: Loop, move: Callable[[int], None]) -> None:
    """Check every second whether the wall clock was set, until cancelled.

    `move` moves every time that is kept beside the clock by so many milliseconds. That happens
    between two batches: a timer that a batch decided on is set by then.
    """
    problem = ""
    while True:
        before, problem = problem, clock.problem()
        if problem and not before:
            log.warning("clock.jumped", problem=problem)
        loop.between(lambda: _accept(clock, loop, move))
        await asyncio.sleep(CHECK_S)


def _accept(clock: Clock, loop: Loop, move: Callable[[int], None]) -> None:
    by_ms = clock.accept()
    if not by_ms:
        return
    log.warning("clock.set", by_s=by_ms / 1000)
    move(by_ms)
    loop.look()
    row = LedgerWrite(kind="clock", key="boot", value=clock.row())
    loop.put(Incoming(input=Mark(rows=(row,))))
