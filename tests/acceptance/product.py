"""The product as its users have it: `floe host` in a process of its own, asked over HTTP.

Nothing here sleeps for luck: each wait is for a fact, with a deadline that a busy machine meets.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from floe.cli.client import Account, Client
from floe.kernel.evolve import fold
from floe.model.codec import decode
from floe.model.errors import NotFound, Theirs
from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import Json, RunRef
from floe.model.run import Run
from floe.store.base import RunQuery
from floe.store.sqlite import SqliteStore
from tests.acceptance.warm import Warm, floe_host
from tests.make_warden import is_alive, warden_pid
from tests.ports import free_port
from tests.sim.invariants import check_run

T = TypeVar("T")
Shape = dict[str, Any]
Program = Sequence[str] | Callable[[], None]
"""What is started: a command line, or a function that a process calls which has loaded floe."""

TOKEN: Final = "correct-horse"
DEADLINE_S: Final = 60.0
POLL_MIN_S: Final = 0.01
POLL_MAX_S: Final = 0.1

FLOE: Final = (str(Path(sys.executable).with_name("floe")), "host")
"""The program as it is installed, where a test is about its start or its surroundings."""


class Process(Protocol):
    """A process that was started."""

    pid: int

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit status."""
        ...

    def send_signal(self, sig: signal.Signals, /) -> None:
        """Send a signal, unless it has ended."""
        ...


def started(program: Program, *, cwd: Path, env: Mapping[str, str], output: Path) -> Process:
    """A process of a program; what it prints is appended to `output`."""
    if callable(program):
        return Warm(program, cwd=cwd, env=env, output=output)
    with output.open("ab") as log:
        return subprocess.Popen(program, cwd=cwd, env=env, stdout=log, stderr=log)


class Host:
    """A host with a folder and an address of its own; it may be started many times.

    Attributes: `process` is the latest start of it, `log` what all of them said.
    """

    def __init__(self, folder: Path, config: str) -> None:
        """`$HERE` in the config is the folder."""
        self.folder = folder
        self.root = folder / "root"
        self.log = folder / "host.log"
        self.config = folder / "config.yml"
        self.config.write_text(config.replace("$HERE", str(folder)), encoding="utf-8")
        self.address = f"127.0.0.1:{free_port()}"
        self.api = Client(Account(url=f"http://{self.address}", token=TOKEN))
        self.process: Process | None = None

    # --- life ---

    def start(self, program: Program = floe_host, env: Mapping[str, str] | None = None) -> None:
        """Start it and wait until it answers."""
        assert self.launch(program, env), self.log.read_text()

    def launch(self, program: Program = floe_host, env: Mapping[str, str] | None = None) -> bool:
        """Start it and wait until it answers or is dead; whether it answers."""
        self.spawn(program, env)
        return until(lambda: not self.is_up() or self.is_ready(), "its start") and self.is_up()

    def spawn(
        self, program: Program = floe_host, env: Mapping[str, str] | None = None
    ) -> "Process":
        """Start it, no more."""
        self.api.close()
        own = {"ROOT": self.root, "CONF": self.config, "PUB_BIND": self.address, "ADMIN": TOKEN}
        own["HOSTS"] = f"http://{self.address}"  # whatever its config says, it is alone
        options = {f"FLOE_{name}": str(value) for name, value in own.items()}
        environ = {**os.environ, **options, **(env or {})}
        self.process = started(program, cwd=self.folder, env=environ, output=self.log)
        return self.process

    def stop(self) -> None:
        """Stop it as a service manager does; commands go on."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it as nothing can be prepared for; commands go on."""
        self._signal(signal.SIGKILL)

    def kill_warden(self) -> None:
        """Kill the process that owns the commands."""
        pid = warden_pid(self.root)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_alive(pid), "the warden's death")

    def close(self) -> None:
        """Stop it, its warden and every command."""
        if self.is_up():
            self.stop()
        self.api.close()
        self.end_warden()

    def end_warden(self) -> None:
        """End the process that owns the commands, and them."""
        with suppress(LookupError, FileNotFoundError):
            pid = warden_pid(self.root)
            os.kill(pid, signal.SIGTERM)
            until(lambda: not is_alive(pid), "the warden's end")

    def is_up(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.api.get("readyz")["ok"])
        except Theirs:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.api.close()
        self.process.send_signal(number)
        self.process.wait(DEADLINE_S)

    # --- runs ---

    def trigger(self, flow: str, once: str = "", **values: object) -> str:
        """Start a run by its first data trigger; its id."""
        form = {"id": "", "values": values}
        return str(self.api.post("push/data", {"ref": {"id": flow}, "form": form}, once)["run"])

    def give(self, run: str, node: str, once: str = "", **values: object) -> None:
        """Answer a form."""
        body = {"ref": {"id": self.show(run)["flow"]}, "run": run}
        self.api.post("push/data", {**body, "form": {"id": node, "values": values}}, once)

    def rerun(self, run: str, once: str = "", **choice: object) -> str:
        """Start an ended run again; the id of the new run."""
        return str(self.api.post(f"runs/{run}/rerun", choice, once)["run"])

    def cancel(self, run: str, once: str = "") -> None:
        """Ask for the end of a run."""
        self.api.post(f"runs/{run}/cancel", {}, once)

    def remove_all_but_newest(self, flow: str) -> None:
        """Remove the ended runs of a flow but one."""
        self.api.post("hosts/h1/prune", {"flow": flow, "keep": {"runs": 1}})

    def show(self, run: str) -> Shape:
        """All about a run."""
        return self.api.get(f"runs/{run}")

    def node(self, run: str, node: str) -> Shape:
        """All about a node of a run."""
        return next(n for n in self.show(run)["nodes"] if n["id"] == node)

    def events(self, run: str) -> list[str]:
        """The names of a run's events, in order."""
        return [e["event"] for e in self.api.get(f"runs/{run}/events")["events"]]

    def output(self, run: str, node: str, attempt: int = 1, *, item: int | None = None) -> bytes:
        """What an attempt printed, as the API has it."""
        named = {"attempt": attempt, "item": item}
        try:
            with self.api.stream(f"runs/{run}/nodes/{node}/log", **named) as answer:
                return answer.read()
        except NotFound:
            return b""

    def until_node(self, run: str, node: str, state: str, timeout_s: float = DEADLINE_S) -> Shape:
        """Wait until a node is in a state; it is not there before its flow-file is read."""

        def found() -> Shape | None:
            nodes = self.show(run)["nodes"]
            return next((n for n in nodes if (n["id"], n["state"]) == (node, state)), None)

        return until(found, f"{run} {node} {state}", timeout_s)

    def until_over(self, run: str, timeout_s: float = DEADLINE_S) -> Shape:
        """Wait until a run is in the archive, its outputs closed."""

        def found() -> Shape | None:
            at = self.show(run)
            return at if at["phase"] == "packed" else None

        return until(found, f"the end of {run}", timeout_s)

    # --- afterwards ---

    def processes(self) -> dict[int, str]:
        """What lives of commands of this host, by what the warden wrote in their environment."""
        mark = (self.root / "warden" / "v1").stat()
        return marked(f"FLOE_WARDEN={mark.st_dev:x}-{mark.st_ino:x}.".encode())

    def stored(self) -> list[tuple[Run, list[Event]]]:
        """Every run in the store of a host that is stopped, oldest first, judged."""
        runs = asyncio.run(_stored(self.root))
        for run, log in runs:
            if run.flow:  # else its flow-file was never read
                check_run(run, log)
        return runs


async def _stored(root: Path) -> list[tuple[Run, list[Event]]]:
    store = SqliteStore(root)
    await store.open()
    try:
        shapes = cast(Mapping[str, Mapping[str, Json]], await store.ledger("flow"))
        page = await store.runs(RunQuery(limit=10_000))
        found: list[tuple[Run, list[Event]]] = []
        for row in reversed(page.runs):
            ref = RunRef.parse(row.key)
            log = [stored.record.event for stored in await store.history(ref)]
            run = fold(ref, log)
            flow = decode(Flow, shapes[run.digest]) if run.digest else None
            found.append((replace(run, flow=flow), log))
        return found
    finally:
        await store.close()


def until(fact: Callable[[], T | None], what: str, timeout_s: float = DEADLINE_S) -> T:
    """Wait until something is so and return it; fails after a deadline, naming what was awaited.

    Asks at once, then ever more rarely: most facts are a request, and a host that is asked a
    hundred times a second does little else. A wait becomes at most a tenth longer.
    """
    began = time.monotonic()
    while not (found := fact()):
        waited = time.monotonic() - began
        assert waited < timeout_s, f"{what}: not within {timeout_s:g} s"
        time.sleep(min(max(POLL_MIN_S, waited / 10), POLL_MAX_S))
    return found


def marked(mark: bytes) -> dict[int, str]:
    """Processes that live and have something in their environment, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(folder.name)
            if mark in (folder / "environ").read_bytes() and is_alive(pid):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[pid] = line.decode(errors="replace")
    return found
