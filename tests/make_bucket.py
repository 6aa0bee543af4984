"""An S3-compatible server as a process of its own, behind a door that a test closes and opens."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from obstore.store import S3Store

from floe.model.event import Event
from floe.model.ids import RunRef, Shape
from floe.store.archive import PackedOutput, PackedRun
from tests.make_store import a_pend, a_record, a_run, an_event
from tests.ports import free_port

BUCKET: Final = "ci-runs"
ACCESS_KEY: Final = "AKIATESTTESTTESTTEST"
SECRET_KEY: Final = "s3cr3t-of-the-bucket/+="
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
START_S: Final = 90.0


class Door:
    """Forwards connections from a port of its own; closed, it refuses them and drops the open."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests = 0
        """Connections that came."""
        self._to = to
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Let connections in again; changes nothing if it is open."""
        if self._listener is not None:
            return
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener = listener
        self._thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse connections, and end those that are open."""
        listener, thread, self._listener = self._listener, self._thread, None
        if listener is None or thread is None:
            return
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        listener.close()
        thread.join()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.requests += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            is_last = one not in self._open
            self._open.discard(one)
            self._open.discard(other)
        if is_last:
            one.close()
            other.close()


class S3Server:
    """A running server with one bucket. Its objects are gone when it ends."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.door = Door(port)
        self.door.open()
        self._at = f"http://127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """Where a host finds it."""
        return self.door.url

    def store(self, prefix: str = "", bucket: str = BUCKET) -> S3Store:
        """A client of a test, which needs no door."""
        return S3Store(
            bucket,
            prefix=prefix or None,
            endpoint=self._at,
            region="us-east-1",
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )

    def names(self, prefix: str = "") -> list[str]:
        """The names of all objects."""
        found = self.store().list(prefix or None)
        return sorted(one["path"] for some in found for one in some)

    def make_bucket(self, name: str) -> None:
        """Create a bucket."""
        import http.client

        there = http.client.HTTPConnection(self._at.removeprefix("http://"))
        there.request("PUT", f"/{name}", body=b"")
        assert there.getresponse().status == 200
        there.close()


@contextmanager
def an_s3_server(**environ: str) -> Iterator[S3Server]:
    """moto's server, with the bucket `ci-runs`."""
    port = free_port()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", f"-p{port}"],
            stdout=output,
            stderr=output,
            env={**os.environ, **environ},
        )
        try:
            _wait_for(port, process)
            server = S3Server(port, process)
            server.make_bucket(BUCKET)
            yield server
            server.door.close()
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, "moto's server has ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("moto's server does not answer")


def a_packed_run(
    ref: RunRef | None = None,
    *,
    epoch: int = 1,
    events: Sequence[Event] = (),
    flow: Shape | None = None,
) -> PackedRun:
    ref = ref or a_run()
    events = events or (a_pend({"branch": "main"}), an_event("a line\u2028and \x85 another"))
    records = tuple(a_record(ref, seq, epoch, event) for seq, event in enumerate(events, 1))
    return PackedRun(ref=ref, epoch=epoch, records=records, flow=flow)


def an_output(root: Path, data: bytes = b"hello\n", name: str = "build.1.1") -> PackedOutput:
    """An output in the folder that a host has for it."""
    path = root / "runs" / a_run().key / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return PackedOutput(name=name, path=path, bytes=len(data))
