"""What people do with a host: keep one for some tests, type commands, serve it files, look into
its ledger."""

import asyncio
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from floe.model.ids import Json
from floe.store.sqlite import SqliteStore
from tests.acceptance.product import DEADLINE_S, TOKEN, Host, Program
from tests.acceptance.warm import floe_host, floe_ran


@contextmanager
def hosted(
    folder: Path,
    config: str,
    env: Mapping[str, str] | None = None,
    program: Program = floe_host,
) -> Iterator[Host]:
    """A host that has started; nothing of it is left at the end. `$HERE` is the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    host = Host(folder, config)
    try:
        host.start(program, env)
        yield host
    finally:
        host.close()


def floe(
    host: Host, *words: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Type a command in the host's folder; an empty value in `env` takes a variable away."""
    known = {"FLOE_URL": host.api.at.url, "FLOE_TOKEN": TOKEN, "XDG_CONFIG_HOME": str(host.folder)}
    all_ = {**os.environ, **known, **(env or {})}
    kept = {name: value for name, value in all_.items() if value}
    return as_text(floe_ran(words, cwd=host.folder, env=kept, timeout_s=DEADLINE_S))


def as_text(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[str]:
    """The same with what it printed as text."""
    output, errors = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that went well printed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command that went well printed with `--json`."""
    return json.loads(said(done))


def runs(host: Host, flow: str) -> list[dict[str, Any]]:
    """The runs of a flow, oldest first."""
    found: list[dict[str, Any]] = host.api.get("runs", flow=flow, limit=500)["runs"]
    return found[::-1]


def why(host: Host, run: str) -> str:
    """What a run waits for, or why it ended, in one sentence."""
    return str(host.api.get(f"runs/{run}/why")["text"])


def ledger(host: Host, kind: str) -> Mapping[str, Any]:
    """The ledger rows of a kind of a host that is stopped."""

    async def read() -> Mapping[str, Json]:
        store = SqliteStore(host.root)
        await store.open()
        try:
            return await store.ledger(kind)
        finally:
            await store.close()

    return asyncio.run(read())


class Web:
    """A web server with the files that a test puts there; others are answered with 503.

    Attributes: `files` by path, `asked` the paths in order. While `open` is not set, answers wait.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator["Web"]:
        """Serve for a while."""
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                web.open.wait(DEADLINE_S)
                found = web.files.get(self.path)
                self.send_response(503 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield self
            finally:
                self.open.set()
                server.shutdown()
                thread.join()
