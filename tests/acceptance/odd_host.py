"""A composition root for tests: the real host with a clock that is wrong, or words of another floe.

A warm process calls `main`. The host's options come from FLOE_<NAME>; FLOE_ODD_CLOCK_S says how far
ahead its clock is, FLOE_ODD_PROTOCOL which protocol it speaks with other hosts.
"""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

from floe import logs
from floe.app import ports_of, serve
from floe.config import Flags, load, read_local, which_conf
from floe.hub import parts
from floe.hub.clock import WallClock


def main() -> None:
    """Serve like `floe host`, but for what is odd."""
    logs.set_up("info")
    environ = os.environ
    conf = which_conf(Flags(), environ, Path.cwd())
    config = load(Flags(), environ, read_local(conf.name), conf.name)
    ports = ports_of(config)
    if ahead_s := int(environ.get("FLOE_ODD_CLOCK_S", "0")):
        ports = replace(
            ports, clock=WallClock(lambda: time.time_ns() // 1_000_000 + ahead_s * 1000)
        )
    if protocol := int(environ.get("FLOE_ODD_PROTOCOL", "0")):
        vars(parts)["PROTOCOL"] = protocol
    asyncio.run(serve(config, lambda *_: None, ports))
