"""A composition root for tests: the real host, which kills itself at a named point of a step.

A warm process calls `main`. The host's options come from FLOE_<NAME>; FLOE_CRASH_AT names the point
(none: it lives), FLOE_CRASH_NTH which passing of it is the last, and FLOE_CRASH_TALLY the file that
gets a line for each point that is passed.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from floe import logs
from floe.app import Ports, ports_of, serve
from floe.config import Flags, load, read_local, which_conf
from floe.model.http import Http
from floe.model.ids import Instant
from floe.model.notify import Notify
from floe.model.signal import Reported, Started
from floe.model.work import Fetch
from floe.nodes.base import Job, OnReport
from floe.store.base import Batch

T = TypeVar("T")
Cancel = Callable[[], None]

PAUSE_S: Final = 0.002
"""How slow disk and network are: what the host does too early has left it by then."""

HANDS: Final = ("command", "fetch")
FLOW_FILE: Final = "read flow-file"
NOTICE: Final = "send notice"
SEND: Final = "send request"

EVENTS: Final = (
    "RunPended",
    "FlowPinned",
    "RunGranted",
    "RunActivated",
    "NodeTaken",
    "NodeEntered",
    "ItemEntered",
    "ItemSettled",
    "NodeStarted",
    "ChildPended",
    "ChildTimedOut",
    "DataAsked",
    "RetryArmed",
    "RetryDue",
    "RepeatArmed",
    "NodeReset",
    "NodeSettled",
    "CancelAsked",
    "RunEnding",
    "RunEnded",
    "RunPacked",
)
"""What one host records; the other events are of hosts that hand runs to one another."""

ACTS: Final = (
    *(f"append {event}" for event in EVENTS),
    "append ledger",
    "append removal",
    NOTICE,
    *(f"{act} {hands}" for act in ("start", "find", "stop", "forget") for hands in HANDS),
    *(f"sweep {hands}" for hands in HANDS),
    FLOW_FILE,
    "set timer",
    *(f"tell {report}" for report in ("Started", "Exited", "Failed", "Stopped")),
    "fire timer",
)
"""What a step does through the ports. To find is to start what was started before."""

REQUEST_ACTS: Final = (
    "start request",
    "append NodeStarted",
    "record request",
    SEND,
    "tell Answered",
    "append NodeSettled",
)
"""What a step does for a request or a message, in this order."""

ROTATION_ACTS: Final = ("make key", "keep secrets", "keep keys of runs", "drop keys")
"""What a rotation of the vault's key does; rows are stored before both that keep something."""

POINTS: Final = tuple(f"{when} {act}" for act in ACTS for when in ("before", "after"))
"""Every point at which the host can be told to die."""


class Fuse:
    """Counts the points that are passed, and kills the process at one."""

    def __init__(self, point: str, nth: int, tally: str) -> None:
        self._point = point
        self._nth = nth
        self._tally = os.open(tally, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._passed: Counter[str] = Counter()

    def passed(self, point: str) -> None:
        """The process is at a point; it may not come back from here."""
        self._passed[point] += 1
        os.write(self._tally, f"{point}\n".encode())
        if point == self._point and self._passed[point] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, what: str, call: Callable[..., T]) -> Callable[..., T]:
        """The same call between its two points."""

        def around(*args: Any, **named: Any) -> T:
            self.passed(f"before {what}")
            result = call(*args, **named)
            self.passed(f"after {what}")
            return result

        return around

    def around_async(
        self, names: Callable[..., list[str]], call: Callable[..., Awaitable[T]]
    ) -> Callable[..., Awaitable[T]]:
        """The same call between as many pairs of points as its arguments have names."""

        async def around(*args: Any, **named: Any) -> T:
            await asyncio.sleep(PAUSE_S)
            for name in names(*args):
                self.passed(f"before {name}")
            result = await call(*args, **named)
            for name in names(*args):
                self.passed(f"after {name}")
            return result

        return around


def wrap(ports: Ports, fuse: Fuse) -> None:
    """Put the fuse on everything that goes through the ports."""
    _replace(ports.store, "append", lambda call: fuse.around_async(_appended, call))
    _replace(ports.documents, "read", lambda call: fuse.around_async(lambda _: [FLOW_FILE], call))
    _replace(ports.notifier, "send", lambda call: fuse.around_async(lambda *_: [NOTICE], call))
    _replace(ports.clock, "wake", lambda call: _wake(fuse, call))
    parts = (ports.secrets, ports.secrets, ports.seals, ports.secrets)
    names = ("sealed_again", "keep", "rewrapped", "drop_keys")
    for part, name, act in zip(parts, names, ROTATION_ACTS, strict=True):
        _replace(part, name, partial(fuse.around, act))
    requests = (ports.executors[Http], ports.executors[Notify])
    for executor in requests:
        _replace(executor, "start", partial(_start, fuse, "request"))
        _replace(executor, "recorded", partial(fuse.around, "record request"))
        _replace(executor, "_exchange", lambda call: fuse.around_async(lambda *_: [SEND], call))
    for executor in dict.fromkeys(ports.executors.values()):
        if executor in requests:
            continue
        hands = "fetch" if executor is ports.executors[Fetch] else "command"
        for act in ("stop", "forget", "sweep"):
            _replace(executor, act, partial(fuse.around, f"{act} {hands}"))
        _replace(executor, "start", partial(_start, fuse, hands))


def _replace(port: object, name: str, wrapped: Callable[[Callable[..., Any]], object]) -> None:
    setattr(port, name, wrapped(getattr(port, name)))


def _appended(batch: Batch) -> list[str]:
    if batch.prunes:
        return ["append removal"]
    events = (type(record.event).__name__ for append in batch.appends for record in append.records)
    return [f"append {event}" for event in dict.fromkeys(events)] or ["append ledger"]


def _wake(
    fuse: Fuse, wake: Callable[..., Cancel]
) -> Callable[[Instant, Callable[[], None]], Cancel]:
    return lambda due, call: fuse.around("set timer", wake)(due, fuse.around("fire timer", call))


def _start(fuse: Fuse, hands: str, start: Callable[..., None]) -> Callable[[Job, OnReport], None]:
    def around(job: Job, on_report: OnReport) -> None:
        act = "find" if job.started else "start"
        fuse.around(f"{act} {hands}", start)(job, partial(_report, fuse, on_report))

    return around


def _report(fuse: Fuse, on_report: OnReport, signal: Started | Reported) -> None:
    said = signal.report if isinstance(signal, Reported) else signal
    fuse.around(f"tell {type(said).__name__}", on_report)(signal)


def main() -> None:
    """Serve like `floe host`, as far as the fuse allows."""
    logs.set_up("info")
    environ = os.environ
    conf = which_conf(Flags(), environ, Path.cwd())
    config = load(Flags(), environ, read_local(conf.name), conf.name)
    ports = ports_of(config)
    tally, point = environ["FLOE_CRASH_TALLY"], environ.get("FLOE_CRASH_AT", "")
    wrap(ports, Fuse(point, int(environ.get("FLOE_CRASH_NTH", "1")), tally))
    asyncio.run(serve(config, lambda *_: None, ports))
