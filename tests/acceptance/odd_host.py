"""A composition root for tests: the real host with a clock that is wrong, or words of another floe.

Run as a program. The host's options come from FLOE_<NAME>; FLOE_ODD_CLOCK_S says how far ahead its
clock is, FLOE_ODD_PROTOCOL which protocol it speaks with other hosts.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from floe import logs
from floe.app import ports_of, serve
from floe.config import Flags, load, read_local, which_conf
from floe.hub import hub
from floe.hub.clock import Clock
from floe.model.refs import Instant


class FastClock:
    """A clock that is ahead of another."""

    def __init__(self, real: Clock, ahead_s: int) -> None:
        self._real = real
        self._ahead_ms = 1000 * ahead_s

    def now(self) -> Instant:
        return Instant(self._real.now() + self._ahead_ms)

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        return self._real.wake(Instant(due - self._ahead_ms), call)


def main() -> None:
    """Serve like `floe host`, but for what is odd."""
    logs.set_up("info")
    environ = os.environ
    conf = which_conf(Flags(), environ, Path.cwd())
    config = load(Flags(), environ, read_local(conf.name), conf.name)
    ports = ports_of(config)
    if ahead_s := int(environ.get("FLOE_ODD_CLOCK_S", "0")):
        ports = replace(ports, clock=FastClock(ports.clock, ahead_s))
    if protocol := int(environ.get("FLOE_ODD_PROTOCOL", "0")):
        vars(hub)["PROTOCOL"] = protocol
    asyncio.run(serve(config, lambda *_: None, ports))


if __name__ == "__main__":
    main()
