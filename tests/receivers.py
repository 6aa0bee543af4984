"""Servers that notices are sent to: one that takes webhooks, and one that takes mail."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """A request that a webhook got."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Webhook:
    """Takes requests; `statuses` are its next answers, 200 after them."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    may_answer: threading.Event = field(default_factory=threading.Event)
    """Cleared: a request is received, and gets no answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cr3t-path"


@contextmanager
def a_webhook() -> Iterator[Webhook]:
    """A webhook that listens at a free port of this machine."""
    hook = Webhook()
    hook.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.received.append(Received(self.path, dict(self.headers), json.loads(body)))
            hook.may_answer.wait(60)
            status = hook.statuses.pop(0) if hook.statuses else 200
            self.send_response(status)
            if hook.location:
                self.send_header("Location", hook.location)
            text = b"no_service of " + self.path.encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_address[1]
    with _serving(server):
        yield hook
    hook.may_answer.set()


@contextmanager
def an_echo() -> Iterator[str]:
    """The URL of a server that answers each request with the headers it got, as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"id": 7, "headers": dict(self.headers)}, indent=1).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


@dataclass
class Mailbox:
    """Takes mail; `replies` are its next answers to RCPT, 250 after them."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@contextmanager
def a_mailbox() -> Iterator[Mailbox]:
    """A server for mail at a free port of this machine, without TLS."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 mailbox")
            while line := self.rfile.readline().decode().strip():
                match line.split(" ")[0].upper():
                    case "EHLO":
                        self._say("250-mailbox")
                        self._say("250 AUTH PLAIN")
                    case "AUTH":
                        box.logins.append(line)
                        self._say("235 ok")
                    case "RCPT":
                        self._say(box.replies.pop(0) if box.replies else "250 ok")
                    case "DATA":
                        self._say("354 go on")
                        box.mails.append(self._mail())
                        self._say("250 ok")
                    case "QUIT":
                        self._say("221 bye")
                        return
                    case _:
                        self._say("250 ok")

        def _mail(self) -> EmailMessage:
            data = b""
            while (line := self.rfile.readline()) != b".\r\n":
                data += line[1:] if line.startswith(b"..") else line
            return message_from_bytes(data, policy=policy.default)

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    box.port = server.server_address[1]
    with _serving(server):
        yield box


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
