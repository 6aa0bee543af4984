"""A real host in its own folder, used like any client does."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from scripts.benchmarks.machine import cpu_s
from tests.ports import free_port

FLOE = Path(sys.executable).parent / "floe"
TOKEN = "bench"  # noqa: S105 - of a host that lives for seconds on a loopback port
READY_S = 30.0
DONE_S = 120.0
CONNECTIONS = 32
"""Clients that queue runs at once."""


class Host:
    """A host of `floe host`, with its hub and its warden."""

    def __init__(
        self, folder: Path, config: str, *more: str, port: int = 0, program: Path = FLOE
    ) -> None:
        """`more`: further options of `floe host`; without a port, a new one at each start."""
        self._more = more
        self._program = program
        self._port = port
        self.folder = folder
        self.root = folder / "root"
        self._config = folder / "flows.yml"
        self._config.write_text(config)

    def start(self) -> float:
        """Start it; returns the milliseconds until it is ready."""
        self.port = self._port or free_port()
        begun = time.perf_counter()
        with (self.folder / "host.log").open("ab") as log:
            self._hub = subprocess.Popen(
                [
                    *(self._program, "host", "--conf", self._config, "--root", self.root),
                    *("--pub-bind", f"127.0.0.1:{self.port}", "--admin", TOKEN),
                    *("--log-level", "warning"),
                    *self._more,
                ],
                stderr=log,
                cwd=self.folder,
            )
        while not self._is_ready():
            if self._hub.poll() is not None or time.perf_counter() - begun > READY_S:
                said = (self.folder / "host.log").read_text()[-2000:]
                raise TimeoutError(f"no host (status {self._hub.poll()}): {said}")
            time.sleep(0.002)
        taken_ms = (time.perf_counter() - begun) * 1e3
        self._http = http.client.HTTPConnection("127.0.0.1", self.port)
        return taken_ms

    def stop(self) -> None:
        """Stop hub and warden."""
        warden = self._warden()
        self._hub.send_signal(signal.SIGTERM)
        self._hub.wait(READY_S)
        if warden:
            with suppress(ProcessLookupError):  # it ends when it has nothing to do
                os.kill(warden, signal.SIGTERM)
            wait(lambda: not self._warden(), READY_S, "the warden to end")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def hub(self) -> int:
        """Pid of the hub."""
        return self._hub.pid

    @property
    def warden(self) -> int:
        """Pid of the warden."""
        return self._warden() or 0

    def cpu_s(self) -> float:
        """CPU time of hub and warden."""
        return cpu_s([self.hub, self.warden])

    def get(self, path: str) -> Any:
        """GET a part of the API as JSON."""
        return json.loads(self.get_bytes(path))

    def get_bytes(self, path: str) -> bytes:
        """GET a part of the API as bytes."""
        self._http.request("GET", f"/build/api/{path}", headers={"X-Floe-Auth": TOKEN})
        return self._answer(200)

    def trigger(self, flow: str) -> str:
        """Start a run; returns its id."""
        self._http.request("POST", "/build/api/push/data", _body(flow), _headers())
        run: str = json.loads(self._answer(202))["run"]
        return run

    def rerun_failed(self, run: str) -> None:
        """Start a run again from what failed."""
        body = json.dumps({"failed": True})
        self._http.request("POST", f"/build/api/runs/{run}/rerun", body, _headers())
        self._answer(202)

    def reconnect(self) -> None:
        """Reconnect after a pause, because the host closes an idle connection."""
        self._http.close()

    def trigger_anew(self, flow: str) -> None:
        """Start a run over a separate connection, for other threads."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_S)
        client.request("POST", "/build/api/push/data", _body(flow), _headers())
        client.getresponse().read()
        client.close()

    def trigger_many(self, flow: str, count: int) -> None:
        """Queue many runs at once, over several connections."""
        asyncio.run(self._flood(flow, count))

    def wait_packed(self, run: str) -> dict[str, Any]:
        """Wait until a run is over and archived; the run."""
        wait(lambda: self.get(f"runs/{run}")["phase"] == "packed", DONE_S, f"{run} to be archived")
        return dict(self.get(f"runs/{run}"))

    def wait_rest(self) -> None:
        """Wait until every run is archived."""
        wait(self._rests, DONE_S, "all runs to be archived")

    def wait_rest_of(self, flow: str) -> None:
        """Wait until no run of a flow is open; after a pause of any length."""
        self.reconnect()
        path = f"runs?flow={flow}&state=pending,active&limit=1"
        wait(lambda: not self.get(path)["runs"], DONE_S, f"the runs of {flow} to end")

    def _rests(self) -> bool:
        counts = self.get_bytes("metrics").decode().splitlines()
        return all(line.endswith(" 0") for line in counts if line.startswith("floe_runs{"))

    def _answer(self, status: int) -> bytes:
        response = self._http.getresponse()
        body = response.read()
        if response.status != status:
            raise ValueError(f"{response.status}: {body.decode()}")
        return body

    def _is_ready(self) -> bool:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_S)
        try:
            client.request("GET", "/build/api/readyz")
            return client.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            client.close()

    def _warden(self) -> int | None:
        program = f"{self.root}/warden/".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it ended in between
                continue
            if any(word.startswith(program) for word in words):
                return int(process.name)
        return None

    async def _flood(self, flow: str, count: int) -> None:
        body = _body(flow)
        headers = {"Host": f"127.0.0.1:{self.port}", "Content-Length": len(body), **_headers()}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join(["POST /build/api/push/data HTTP/1.1", *lines, "", body]).encode()
        left = iter(range(count))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(CONNECTIONS, count)):
                tasks.create_task(self._post_all(request, left))

    async def _post_all(self, request: bytes, left: Iterator[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in left:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if " 202 " not in head:
                raise ValueError(head)
            size = next(line for line in head.splitlines() if line.startswith("content-length:"))
            await reader.readexactly(int(size.partition(":")[2]))
        writer.close()


@contextmanager
def started(folder: Path, name: str, config: str) -> Iterator[Host]:
    """A host in a new folder, for as long as the body runs."""
    place = folder / name
    place.mkdir()
    with Host(place, config) as host:
        yield host


def wait_served(port: int) -> None:
    """Wait until an address answers that a host serves besides its own."""

    def is_served() -> bool:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    wait(is_served, READY_S, f"port {port} to be served")


def wait(fact: Callable[[], object], timeout_s: float, what: str) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    until = time.monotonic() + timeout_s
    while not fact():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(0.01)


def _headers() -> dict[str, str]:
    return {"X-Floe-Auth": TOKEN, "Content-Type": "application/json"}


def _body(flow: str) -> str:
    return json.dumps({"ref": {"id": flow}, "form": {"id": "start", "values": {}}})
