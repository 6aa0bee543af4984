"""For tests of packs: a server in the memory of the test, which records each request.

It is a real server at a port of this machine, so that a pack cannot tell it from another one.

    with MemoryServer() as server, pack.in_background(server.settings()):
        result = server.carry_out("Greet", {"name": "Ada"})
    assert result == Event("Greeted", "Hello Ada")
"""

import json
import re
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote

from floe.packs.events import Event
from floe.packs.settings import PackSettings

DEADLINE_S: Final = 30.0
RESULT: Final = re.compile(r"/v1/packs/([^/]+)/actions/(\d+)/result")


@dataclass(frozen=True)
class SeenRequest:
    """A request that the server got, and the status of its answer; 0 if it gave none."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    status: int


class MemoryServer:
    """A server of flyte without flows: a test offers actions, and reads results and events."""

    def __init__(self, port: int = 0) -> None:
        """`port`: 0 for any that is free."""
        self.requests: list[SeenRequest] = []
        self.packs: dict[str, dict[str, Any]] = {}
        """What each registered pack sent, by its id."""
        self.events: list[Event] = []
        """What packs sent by themselves."""
        self._offered: deque[tuple[str, str, Any]] = deque()
        self._taken: set[str] = set()
        self._named: dict[str, tuple[str, Any]] = {}
        """By the name of its take, an action and the answer."""
        self._results: dict[str, Event] = {}
        self._faults: deque[tuple[str, int]] = deque()
        self._count = 0
        self._changed = threading.Condition()
        self._server = _Listener(self, port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "MemoryServer":
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.end()
        self._thread.join()

    def settings(self, **changes: Any) -> PackSettings:
        """Settings for a pack under test: it polls often, and has no health server."""
        quick = {"poll_s": 0.05, "pause_max_s": 0.05, "health_bind": "", "timeout_s": DEADLINE_S}
        return PackSettings(self.url, **{**quick, **changes})

    def offer(self, command: str, input: Any = None) -> str:
        """Have an action wait for the first pack that takes one; its id."""
        with self._changed:
            self._count += 1
            self._offered.append((str(self._count), command, input))
            return str(self._count)

    def result(self, action: str, timeout_s: float = DEADLINE_S) -> Event:
        """The result of an action, once it is there. Raises TimeoutError."""
        self.wait_for(lambda: action in self._results, f"a result of action {action}", timeout_s)
        return self._results[action]

    def carry_out(self, command: str, input: Any = None) -> Event:
        """Offer an action, and wait for its result. Raises TimeoutError."""
        return self.result(self.offer(command, input))

    def fail(self, path_end: str, *statuses: int) -> None:
        """Answer the next requests whose path ends so with statuses; 0 ends the connection instead,
        after the server did what it was asked to do."""
        with self._changed:
            self._faults.extend((path_end, status) for status in statuses)

    def forget(self) -> None:
        """Forget all packs, as a server that was emptied."""
        with self._changed:
            self.packs.clear()

    def wait_for(self, condition: Any, what: str, timeout_s: float = DEADLINE_S) -> None:
        """Wait until a condition holds; it is looked at after each request."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                seen = "\n".join(f"{one.method} {one.path} {one.status}" for one in self.requests)
                raise TimeoutError(f"no {what} within {timeout_s:g} s. Requests:\n{seen}")

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        """Status and body for one request, which is recorded."""
        with self._changed:
            fault = next((one for one in self._faults if path.endswith(one[0])), None)
            if fault is not None:
                self._faults.remove(fault)
            is_done = fault is None or fault[1] == 0
            name = headers.get("Idempotency-Key", "")
            answered = self._answer(method, unquote(path), body, name) if is_done else (0, None)
            status, answer = answered
            if fault is not None:
                status, answer = fault[1], None
            self.requests.append(SeenRequest(method, path, headers, body, status))
            self._changed.notify_all()
            return status, answer

    def _answer(self, method: str, path: str, body: Any, name: str) -> tuple[int, Any]:
        if (method, path) == ("GET", "/v1"):
            return 200, {"links": [_link(f"{self.url}/v1/packs", "pack/listPacks")]}
        if (method, path) == ("POST", "/v1/packs"):
            return 201, self._registered(body)
        id = path.split("/")[3] if path.count("/") > 3 else ""
        if id not in self.packs:
            return 404, None
        if path.endswith("/actions/take"):
            return self._take(id, name)
        if path.endswith("/events"):
            self.events.append(Event(body["event"], body.get("payload")))
            return 202, None
        if (found := RESULT.fullmatch(path)) is None or found[2] not in self._taken:
            return 404, None
        if found[2] in self._results:
            return 500, None
        self._results[found[2]] = Event(body["event"], body.get("payload"))
        return 202, None

    def _registered(self, body: Any) -> dict[str, Any]:
        labels = [part for pair in sorted((body.get("labels") or {}).items()) for part in pair]
        id = ".".join([body["name"], *labels])
        self.packs[id] = body
        at = f"{self.url}/v1/packs/{id}"
        take = _link(f"{at}/actions/take", f"{self.url}/swagger#!/action/takeAction")
        return {
            **body,
            "id": id,
            "links": [take, _link(f"{at}/events", f"{self.url}/swagger#/event")],
        }

    def _take(self, id: str, name: str) -> tuple[int, Any]:
        if name in self._named:
            action, answer = self._named[name]
            return (409, None) if action in self._results else (200, answer)
        if not self._offered:
            return 204, None
        action, command, input = self._offered.popleft()
        self._taken.add(action)
        result = f"{self.url}/v1/packs/{id}/actions/{action}/result"
        link = _link(result, f"{self.url}/swagger#/actionResult")
        answer = {"command": command, "input": input, "links": [link]}
        if name:
            self._named[name] = (action, answer)
        return 200, answer


class _Listener(ThreadingHTTPServer):
    """Accepts connections, and ends them with itself."""

    daemon_threads = True

    def __init__(self, memory: MemoryServer, port: int) -> None:
        self.memory = memory
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Requests)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no fault."""

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def log_message(self, *_: object) -> None:
        """The test reads `requests` instead."""

    def _reply(self) -> None:
        assert isinstance(self.server, _Listener)
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(sent) if sent else None
        status, answer = self.server.memory.answer(
            self.command, self.path, dict(self.headers.items()), body
        )
        if not status:
            self.close_connection = True
            return
        content = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _link(href: str, rel: str) -> dict[str, str]:
    return {"href": href, "rel": rel}
