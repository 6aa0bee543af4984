"""A chat for tests of packs: it answers as Slack's API does, and signs requests as Slack does.

Source: Slack's public documentation of `chat.postMessage`, `users.info` and of signed requests.
"""

import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from floe.packs.shipped.chat import chat_pack
from floe.packs.testing import MemoryServer
from tests.ports import free_port

SECRET: Final = "8f742231b10e8888abcd99yyyzzz85a5"


@dataclass
class CalledMethod:
    """A request that the chat got."""

    method: str
    body: Any
    token: str


@dataclass
class Chat:
    """Answers `ok`, unless `answers` has the status, headers and JSON of its next ones."""

    url: str = ""
    called: list[CalledMethod] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)

    def sent(self) -> list[Any]:
        """The messages that it got."""
        return [one.body for one in self.called if one.method == "chat.postMessage"]

    def answer(self, called: CalledMethod, query: dict[str, list[str]]) -> Any:
        """The JSON for a request."""
        self.called.append(called)
        if called.method == "users.info":
            profile = {"email": "ada@example.org", "first_name": "Ada", "last_name": "L"}
            return {"ok": True, "user": {"id": query["user"][0], "name": "ada", "profile": profile}}
        if called.method in ("conversations.list", "users.conversations"):
            return self.page(query.get("cursor", [""])[0])
        if called.method == "reactions.list":
            message = {"ts": "1.5", "text": "deploy?"}
            items = [{"type": "message", "channel": "C1", "message": message}]
            return {"ok": True, "items": items if query["user"] == ["U1"] else []}
        ts = f"1700000000.{len(self.called):06}"
        return {"ok": True, "channel": (called.body or {}).get("channel", ""), "ts": ts}

    def page(self, cursor: str) -> Any:
        """One of two pages of channels."""
        number, following = ("2", "") if cursor else ("1", "second")
        channel = {"id": f"C{number}", "name": f"team{number}", "topic": {"value": "t"}}
        metadata = {"next_cursor": following}
        return {"ok": True, "channels": [channel], "response_metadata": metadata}


@contextmanager
def a_chat() -> Iterator[Chat]:
    """A chat at a free port of this machine."""
    chat = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def _reply(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            method = parts.path.rpartition("/")[2]
            called = CalledMethod(method, json.loads(sent) if sent else None, token)
            usual = chat.answer(called, parse_qs(parts.query))
            status, headers, body = chat.answers.pop(0) if chat.answers else (200, {}, usual)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            text = json.dumps(body).encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers by which a chat signs a request."""
    now = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{now}:".encode() + body, sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={digest}"}


def posted(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of the answer to a request of the chat."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def a_message(text: str, id: str = "Ev1", **more: Any) -> bytes:
    """An event of the chat: a user wrote a message in the channel C1."""
    event = {"type": "message", "channel": "C1", "user": "U1", "text": text, "ts": "1.5", **more}
    return json.dumps({"type": "event_callback", "event_id": id, "event": event}).encode()


@dataclass
class Room:
    """A chat, its pack, and the server of the pack."""

    chat: Chat
    server: MemoryServer
    url: str

    def report(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        return posted(f"{self.url}/events", body, signed(body) if headers is None else headers)

    def command(self, form: dict[str, str], headers: dict[str, str] | None = None) -> int:
        body = urlencode(form).encode()
        return posted(f"{self.url}/commands", body, signed(body) if headers is None else headers)[0]


@contextmanager
def a_room(**environment: str) -> Iterator[Room]:
    port = free_port()
    with a_chat() as chat, MemoryServer() as server:
        usual = {"CHAT_API": chat.url, "CHAT_BIND": f"127.0.0.1:{port}"}
        pack = chat_pack({**usual, **environment})
        with pack.in_background(server.settings()):
            server.wait_for(lambda: server.packs, "pack")
            yield Room(chat, server, f"http://127.0.0.1:{port}")
