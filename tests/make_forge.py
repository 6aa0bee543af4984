"""A stand-in for the API of a git forge: statuses and comments, as in its public documentation.

Source: GitHub, "Commit statuses" and "Issue comments"; GitLab, "Commit status" and "Notes".
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

TOKEN: Final = "ghp_0123"
STATUS: Final = re.compile(r"/(?:repos/[\w.-]+/[\w.-]+|projects/[\w.%-]+)/statuses/(\w+)")
COMMENT: Final = re.compile(
    r"/(?:repos/[\w.-]+/[\w.-]+/issues/\d+/comments"
    r"|projects/[\w.%-]+/(?:merge_requests|issues)/\d+/notes)"
)


@dataclass
class GitForge:
    """Keeps what it took; `faults` are its next answers: status, headers, JSON; status 0: none."""

    url: str = ""
    took: list[tuple[str, Any]] = field(default_factory=list)
    """Path and body of each request that it took, in order."""
    requests: int = 0
    faults: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    """Cleared: the first request waits for it, and the others do not."""

    def states(self) -> list[str]:
        """The states of commits, in the order in which the forge took them."""
        return [body["state"] for path, body in self.took if STATUS.fullmatch(path)]

    def answer(self, path: str, headers: Any, body: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON for a request."""
        self.requests += 1
        tokens = (f"Bearer {TOKEN}", f"token {TOKEN}")
        if headers.get("Authorization") not in tokens and headers.get("PRIVATE-TOKEN") != TOKEN:
            return 401, {}, {"message": "Bad credentials"}
        if self.faults:
            return self.faults.pop(0)
        if not STATUS.fullmatch(path) and not COMMENT.fullmatch(path):
            return 404, {}, {"message": "Not Found"}
        self.took.append((path, body))
        return 201, {}, {"id": 100 + len(self.took)}


@contextmanager
def a_forge() -> Iterator[GitForge]:
    """A forge at a free port of this machine."""
    forge = GitForge()
    forge.hold.set()
    first = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if first.acquire(blocking=False):
                forge.hold.wait(60)
            status, headers, answer = forge.answer(self.path, self.headers, body)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            text = json.dumps(answer).encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
