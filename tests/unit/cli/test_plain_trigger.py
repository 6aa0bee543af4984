"""The request of a plain `floe trigger`, and what is left to the command itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from floe.cli import main
from floe.cli.plain_trigger import start

STARTED = b'{"run": "h1-7"}'

PLAIN = [
    "trigger build",
    "trigger build@2",
    "trigger -d version=1.2 build --data notes=a=b",
    "trigger build -d empty= -d ünï=ö",
    "trigger build --trigger start",
    "trigger build --once job-12",
]
MORE = [
    "trigger",
    "trigger --help",
    "trigger Build",
    "trigger build@0",
    "trigger build other",
    "trigger build --wait",
    "trigger build --json",
    "trigger build -d",
    "trigger build -d version",
    "trigger build -d notes=@file",
    "trigger build -d count:=1",
    "trigger build --trigger",
    "trigger build -dversion=1",
    "trigger -- build",
]


class Host(BaseHTTPRequestHandler):
    """Keeps each request, and gives each the same reply."""

    status, body = 200, STARTED
    received: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.received.append((self.path, headers, body))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Host]]:
    monkeypatch.setattr(Host, "received", [])
    with HTTPServer(("127.0.0.1", 0), Host) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setenv("FLOE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("FLOE_TOKEN", "secret")
        yield Host
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("line", PLAIN)
def test_plain_command_line_prints_the_id(
    host: type[Host], capsys: pytest.CaptureFixture[str], line: str
) -> None:
    left = start(line.split())

    assert (left, capsys.readouterr().out) == (None, "h1-7\n")


@pytest.mark.parametrize("line", PLAIN)
def test_request_is_the_one_of_the_command(host: type[Host], line: str) -> None:
    start(line.split())
    with pytest.raises(SystemExit):
        main([*line.split(), "--json"])

    plain, full = (
        (path, {n: h.get(n) for n in ("x-floe-auth", "content-type", "accept", "host")}, body)
        for path, h, body in host.received
    )
    assert plain == full


@pytest.mark.parametrize("line", MORE)
def test_all_others_are_left_to_the_command(host: type[Host], line: str) -> None:
    left = start(line.split())

    assert (left, host.received) == (line.split(), [])


def test_token_in_a_file_is_left_to_the_command(
    host: type[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TOKEN", "@/etc/floe/token")

    assert (start(["trigger", "build"]), host.received) == (["trigger", "build"], [])


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://a:b@h", "http://h/ci/api", "ftp:"])
def test_address_that_needs_more_is_left_to_the_command(
    host: type[Host], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FLOE_URL", url)

    assert start(["trigger", "build"]) == ["trigger", "build"]


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, STARTED), (503, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"run": 1}')],
)
def test_reply_but_a_started_run_is_left_with_the_key_that_was_sent(
    host: type[Host], monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setattr(host, "status", status)
    monkeypatch.setattr(host, "body", body)

    left = start(["trigger", "build"])

    [(_, headers, _)] = host.received
    assert left == ["trigger", "build", "--once", headers["idempotency-key"]]


def test_error_is_the_one_of_the_command(
    host: type[Host], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(host, "status", 404)
    monkeypatch.setattr(host, "body", b'{"detail": "no flow build", "hint": "floe flows"}')

    with pytest.raises(SystemExit) as end:
        main(["trigger", "build"])

    assert (end.value.code, capsys.readouterr().err) == (
        2,
        "floe: no flow build\n    try: floe flows\n",
    )


def test_account_of_the_login_is_used(
    host: type[Host], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        main(["trigger", "build"])
    _, asked, _ = host.received.pop()
    (tmp_path / "floe").mkdir()
    kept = {"url": f"http://{asked['host']}", "token": "kept"}
    (tmp_path / "floe/client.json").write_text(json.dumps(kept))
    monkeypatch.delenv("FLOE_URL")
    monkeypatch.delenv("FLOE_TOKEN")

    start(["trigger", "build"])

    [(_, headers, _)] = host.received
    assert headers["x-floe-auth"] == "kept"


def test_plain_trigger_loads_no_other_module_of_floe_and_nothing_large(host: type[Host]) -> None:
    large = {"click", "http.client", "typing", "dataclasses", "pathlib", "urllib.parse", "ssl"}
    script = (
        "import sys\nbefore = set(sys.modules)\nfrom floe.cli.plain_trigger import start\n"
        "start(['trigger', 'build'])\n"
        f"print(*({large!r} & set(sys.modules)) - before, *(m for m in sys.modules if 'floe' in m))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "h1-7\nfloe floe.cli floe.cli.plain_trigger\n"
