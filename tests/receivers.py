"""Servers that notices are sent to: one that takes webhooks, and one that takes mail."""

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.ports import free_port


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
    """Names of users."""


class _Mails:
    """What aiosmtpd asks about each recipient and each mail. The names are its own."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._box.replies.pop(0) if self._box.replies else "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self._box.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 ok"


@contextmanager
def a_mailbox(tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """A server for mail at a free port of this machine; with a context it requires STARTTLS."""
    box = Mailbox()

    def login(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        box.logins.append(given.login.decode())
        return AuthResult(success=True)

    server = Controller(
        _Mails(box),
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=login,
        auth_require_tls=False,
        tls_context=tls,
        require_starttls=tls is not None,
    )
    server.start()
    box.port = server.port
    try:
        yield box
    finally:
        server.stop()


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
